// The channel to relay: transactions out, verdicts back. relay talks to strangers and may have been
// taken over, so a verdict counts only for a job that it was given, and its words are cleaned
// before they are used.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "smtpd/base/life.h"
#include "smtpd/loop/channel.h"
#include "smtpd/qmgr/body_reading.h"
#include "smtpd/qmgr/delivery_job.h"
#include "smtpd/qmgr/envelope_check.h"

namespace holdfast::qmgr {

class RelayPeer {
  public:
    // How a job ended.
    struct End {
        enum class Kind : std::uint8_t {
            sent,      // `sent` tells
            unread,    // the message could not be read: `result` tells
            cut,       // relay has gone, before the end of the message could have left
            in_doubt,  // relay has gone after that
        };
        Kind kind = Kind::cut;
        links::Sent sent;
        JobResult result;
    };
    struct Callbacks {
        std::function<void(RelayJob, End)> on_job_end;
        // The last call: it has gone, or broke the protocol; its jobs have ended. The peer is
        // destroyed at the turn's end, not before.
        std::function<void(std::optional<Breach>)> on_end;
    };

    RelayPeer(Loop& loop, Spool& spool, UniqueFd channel, Callbacks callbacks);

    bool has_room() const { return !ended_ && jobs_.size() < links::max_relay_jobs; }
    // Calls nobody back before it returns.
    void send(RelayJob job);

    void on(links::Pull&& pull);
    void on(links::FinalDot&& dot);
    void on(links::Sent&& sent);
    void on_end(ChannelEnd how) { fail(breach_of(how)); }

  private:
    struct Sending {
        RelayJob job;
        Body body;  // once it is open
        bool pulling = false;
        bool withdrawn = false;
        bool dot = false;  // the server may have the message
    };

    void opened(std::uint64_t number, std::expected<Body, queue::LoadFailure> body);
    void give(std::uint64_t number, std::uint64_t offset, std::uint64_t end);
    void withdraw(std::uint64_t number);
    Sending* find(std::uint64_t number);
    void finish(std::uint64_t number, End end);
    void fail(std::optional<Breach> breach);

    Loop& loop_;
    Spool& spool_;
    Callbacks callbacks_;
    Channel<links::QmgrToRelay, links::RelayToQmgr> channel_;
    std::map<std::uint64_t, Sending> jobs_;
    std::uint64_t last_job_ = 0;
    bool ended_ = false;
    Life life_;
};

}  // namespace holdfast::qmgr
