// A message while something is done about it: routes it, gives it to agents, records what came of
// it, and ends in one of few ways. What must survive a crash is in its log before it counts.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "queue/store.h"
#include "smtpd/loop/watch.h"
#include "smtpd/qmgr/agents.h"
#include "smtpd/qmgr/backoff.h"
#include "smtpd/qmgr/bounce.h"
#include "smtpd/qmgr/disk_health.h"
#include "smtpd/qmgr/round.h"
#include "smtpd/qmgr/spool.h"
#include "smtpd/qmgr/user_directory.h"

namespace holdfast::qmgr {

// What every active message needs of the house. All outlive it.
struct Surroundings {
    Loop& loop;
    Spool& spool;
    DiskHealth& health;
    UserDirectory& users;
    const Router& router;
    Agents& agents;
    Backoff& backoff;
    std::string hostname;
};

// How it ended.
struct Ending {
    enum class Kind : std::uint8_t {
        gone,      // delivered or bounced, and removed
        deferred,  // some of it is to be tried again
        parked,    // some of it waits for a place in an agent's line; nothing was tried in vain
        lost,      // damaged: in quarantine/, and reported
    };
    Kind kind = Kind::deferred;
    bool repeated = false;            // an attempt may have delivered without our knowing
    std::optional<MessageId> notice;  // a new message of ours, in queue/
};

class ActiveMessage {
  public:
    struct Facts {
        MonoTime born;
        bool repeated = false;
        std::shared_ptr<const std::string> bytes;  // the body, where it is in memory
        std::vector<queue::LogEntry> unrecorded;   // are part of the message's state already
    };
    using OnEnd = std::function<void(Ending)>;

    // `on_end` is called once and may destroy the message.
    ActiveMessage(Surroundings& house, queue::Message message, Facts facts, OnEnd on_end);

    void start();

    // An administrator wants it gone: what agents have in hand is finished, the rest forgotten,
    // and nobody is told.
    void forget() { forget_ = true; }
    // Somebody wants it to be tried again as soon as this has ended.
    void try_again() { again_ = true; }
    bool wants_again() const { return again_; }

    // Nothing happens before the disk works again: no reason to wait for it.
    bool stuck() const { return stuck_; }

    const queue::Message& message() const { return message_; }

  private:
    void find_routes();
    void route(std::uint32_t recipient);
    void routed(std::uint32_t recipient, Route route);
    void begin_round();
    void begin_stop(std::size_t at);
    void stop_ended(std::size_t at, JobResult result);
    void check_soon();
    void check();
    void conclude();
    void expire_if_old();
    void defer();
    void finish();
    void announce_notice(std::vector<FailedRecipient> failed, NoticePlan plan);
    void write_notice(NoticeFacts facts);
    void notice_written(Result<queue::Draft> draft);
    void notice_committed(const queue::Commit& commit);
    void remove();
    void removed(const Status& status);
    void end(Ending::Kind kind);

    void record(queue::Durability durability, std::function<void()> then);
    void retry_later(std::string_view what, const Error& error, std::function<void()> action);
    void tell_news();
    std::int64_t wall() const;
    Duration age() const;

    Surroundings& house_;
    queue::Message message_;
    Facts facts_;
    OnEnd on_end_;
    std::vector<Route> routes_;
    std::size_t routes_open_ = 0;
    std::optional<Round> round_;
    std::vector<queue::LogEntry> extra_;  // to be recorded with the next entries of the round
    std::optional<MessageId> notice_;
    Timer timer_;
    std::function<void()> timer_action_;
    bool check_planned_ = false;
    bool writing_ = false;
    bool concluded_ = false;
    bool lost_ = false;
    bool forget_ = false;
    bool again_ = false;
    bool stuck_ = false;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace holdfast::qmgr
