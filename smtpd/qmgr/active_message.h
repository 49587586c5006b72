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
#include "smtpd/qmgr/life.h"
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
        std::shared_ptr<const queue::Slice> body;  // where it is in memory
    };
    using OnEnd = std::function<void(Ending)>;

    // `on_end` is called once and may destroy the message.
    ActiveMessage(Surroundings& house, queue::Message message, Facts facts, OnEnd on_end);

    void start();

    // An administrator wants it gone: what agents have in hand is finished, the rest forgotten,
    // and nobody is told.
    void forget() { forget_ = true; }

    // Nothing happens before the disk works again: no reason to wait for it.
    bool stuck() const { return disk_ == Disk::stuck; }

    const queue::Message& message() const { return message_; }

  private:
    enum class Disk : std::uint8_t { free, writing, stuck };

    Route find_route(std::uint32_t recipient, const KnownUser& known) const;
    void routed(std::uint32_t recipient, Route route);
    void begin_round();
    void begin_stop(std::size_t at);
    void stop_ended(std::size_t at, const JobResult& result);
    void check_soon();
    void check();
    void conclude();
    void finish();
    void announce_notice(std::vector<FailedRecipient> failed, NoticePlan plan);
    void write_notice(NoticeFacts facts);
    void notice_committed(const queue::Commit& commit);
    void notice_failed(const Error& error);
    void remove();
    void removed(const Status& status);
    void end(Ending::Kind kind);

    void record(queue::Durability durability, std::function<void()> then);
    void retry_later(std::string_view what, const Error& error, std::function<void()> action);
    void tell_news();
    std::int64_t wall() const { return house_.spool.wall().time_since_epoch().count(); }
    Duration age() const { return house_.loop.now() - facts_.born; }

    Surroundings& house_;
    queue::Message message_;
    Facts facts_;
    OnEnd on_end_;
    std::vector<Route> routes_;
    std::size_t routes_open_ = 0;
    std::optional<Round> round_;
    std::optional<MessageId> notice_;
    Disk disk_ = Disk::free;
    Timer disk_timer_;
    std::function<void()> when_disk_works_;
    bool check_planned_ = false;
    bool concluded_ = false;
    bool lost_ = false;
    bool forget_ = false;
    Life life_;
};

}  // namespace holdfast::qmgr
