// One mda: hands it deliveries and takes its verdicts. It runs as the user that it delivers for, so
// a verdict counts only for a job that it was given, and its words are cleaned before they are
// used.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "queue/slice.h"
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
        std::function<void()> on_end;
    };

    Agent(Loop& loop, Spool& spool, UniqueFd channel, Callbacks callbacks);

    // Takes another job now.
    bool hungry() const { return !ended_ && !sending_ && jobs_.size() < max_jobs; }
    void deliver(Job job);

    // Nothing is in its hands.
    bool idle() const { return jobs_.empty(); }
    MonoTime last_progress() const { return last_progress_; }

    // Ends all of its jobs as `uncertain`: it is about to be given up.
    void abandon();

    void on(links::Report&& report);
    void on(links::BytesTaken&& taken);
    void on_end(ChannelEnd how);

  private:
    // The job whose body is on its way; the ones before it are whole with the agent.
    struct Sending {
        std::uint64_t job = 0;
        std::shared_ptr<const std::string> bytes;
        std::shared_ptr<queue::Slice> slice;  // where there are no bytes
        std::uint64_t offset = 0;
        std::uint64_t length = 0;
        bool reading = false;
    };

    void open_body(const Job& job);
    void body_opened(std::uint64_t job, std::expected<queue::Slice, queue::LoadFailure> body);
    void announce(const Job& job);
    void pump();
    void pump_and_tell();
    void send_piece(std::string piece);
    void read_piece(std::size_t size);
    void finish(std::uint64_t job, JobResult result);
    void fail();

    Loop& loop_;
    Spool& spool_;
    Callbacks callbacks_;
    Channel<links::QmgrToMda, links::MdaToQmgr> channel_;
    std::map<std::uint64_t, Job> jobs_;
    std::optional<Sending> sending_;
    std::uint64_t last_job_ = 0;
    std::uint64_t outstanding_ = 0;  // body bytes that it has not dealt with
    MonoTime last_progress_;
    bool ended_ = false;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

// What an agent says, made fit to be recorded and shown: control bytes escaped, length bounded, a
// status that agrees with the verdict.
Outcome cleaned(Outcome outcome);

}  // namespace holdfast::qmgr
