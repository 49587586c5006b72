// One mda: hands it deliveries and takes its verdicts. It runs as the user that it delivers for, so
// a verdict counts only for a job that it was given, and its words are cleaned before they are
// used.
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "smtpd/base/life.h"
#include "smtpd/loop/channel.h"
#include "smtpd/qmgr/delivery_job.h"
#include "smtpd/qmgr/spool.h"

namespace holdfast::qmgr {

class Agent {
  public:
    // So many deliveries are given to it before it has reported: it can write them in one go.
    static constexpr std::size_t max_jobs = 64;

    struct Callbacks {
        std::function<void()> on_progress;  // a job has ended, or there is room for another
        // The last call: it has gone, or broke the protocol; its jobs have ended as `uncertain`.
        // The agent is destroyed at the turn's end, not before.
        std::function<void()> on_end;
    };

    Agent(Loop& loop, Spool& spool, UniqueFd channel, Callbacks callbacks);

    // Takes another job now.
    bool hungry() const { return !ended_ && current_ == 0 && jobs_.size() < max_jobs; }
    // Calls nobody back before it returns.
    void deliver(MailboxJob job);

    // Nothing is in its hands.
    bool idle() const { return jobs_.empty(); }
    MonoTime last_progress() const { return last_progress_; }

    // It is let go: its jobs end as `uncertain`, and it calls nobody any more.
    void abandon();

    void on(links::Report&& report);
    void on(links::BytesTaken&& taken);
    void on_end(ChannelEnd how);

  private:
    void opened(std::expected<queue::Slice, queue::LoadFailure> body);
    void announce(std::shared_ptr<const queue::Slice> body);
    void feed();
    void give(Result<std::string> piece);
    void progressed();
    void finish(std::uint64_t job, JobResult result);
    void fail();

    Loop& loop_;
    Spool& spool_;
    Callbacks callbacks_;
    Channel<links::QmgrToMda, links::MdaToQmgr> channel_;
    std::map<std::uint64_t, MailboxJob> jobs_;
    std::uint64_t last_job_ = 0;
    std::uint64_t current_ = 0;  // whose body is on its way; those before it are whole; 0: none
    bool announced_ = false;     // the agent has heard of it
    bool ended_ = false;
    MonoTime last_progress_;
    std::shared_ptr<const queue::Slice> body_;  // while it is on its way
    std::uint64_t offset_ = 0;                  // of what comes next
    std::uint64_t outstanding_ = 0;             // of all bodies: given and not yet taken
    bool reading_ = false;
    Life life_;
};

// What an agent says, made fit to be recorded and shown: control bytes escaped, length bounded, a
// status that agrees with the verdict.
Outcome cleaned(Outcome outcome);

// A status of RFC 3463 of the class `first`, '2', '4' or '5'.
bool is_status(std::string_view text, char first);

}  // namespace holdfast::qmgr
