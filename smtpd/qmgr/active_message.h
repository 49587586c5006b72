// A message while something is done about it: routes it, gives it to agents, records what came of
// it, and ends in one of few ways. What must survive a crash is in its log before it counts.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "queue/store.h"
#include "smtpd/base/life.h"
#include "smtpd/loop/watch.h"
#include "smtpd/qmgr/agents.h"
#include "smtpd/qmgr/backoff.h"
#include "smtpd/qmgr/bounce.h"
#include "smtpd/qmgr/destinations.h"
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
    Destinations& destinations;
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

enum class Attempt : std::uint8_t {
    due,
    forced,  // before its time: that it was in vain is not recorded, and lengthens no delay
};

class ActiveMessage {
  public:
    struct Facts {
        MonoTime born;
        bool repeated = false;
        Attempt attempt = Attempt::due;
        std::shared_ptr<const queue::Slice> body;  // where it is in memory
    };
    using OnEnd = std::function<void(Ending)>;

    // `on_end` is called once and may destroy the message.
    ActiveMessage(Surroundings& house, queue::Message message, Facts facts, OnEnd on_end);

    void start();

    // An administrator wants it gone: what agents have in hand is finished, the rest forgotten,
    // and nobody is told.
    void forget() { forget_ = true; }

    // Agents have some of it, or something about it is being written or is known here alone. Else
    // it may be given up at once. Once agents begin nothing more (Agents::drain).
    bool in_hand() const {
        return forget_ || concluded_ || disk_ != Disk::free ||
               (round_ && (!round_->over() || round_->has_entries()));
    }

    // Nothing happens before the disk works again: no reason to wait for it.
    bool stuck() const { return disk_ == Disk::stuck; }

    const queue::Message& message() const { return message_; }

  private:
    enum class Disk : std::uint8_t { free, writing, stuck };

    Route find_route(std::uint32_t recipient, const KnownUser& known) const;
    void routed(std::uint32_t recipient, Route route);
    void begin_round();
    void begin_stop(std::size_t at);
    void begin_mailbox(std::size_t at);
    void begin_relay(std::size_t at);
    void fill(Job& job, std::size_t at);
    void stop_ended(std::size_t at, const JobResult& result);
    void tell_doubt(std::size_t at) const;
    void check_soon();
    void check();
    void conclude();
    std::optional<NoticeFacts> due_notice() const;
    NoticeFacts notice_facts(NoticePlan plan, std::vector<NoticeRecipient> recipients) const;
    using Notice = std::shared_ptr<const NoticeFacts>;
    void write_notice(const Notice& notice);
    void notice_committed(const NoticeFacts& facts, const queue::Commit& commit);
    void notice_sent(const NoticeFacts& facts);
    void notice_failed(const Error& error);
    void rest();
    void finish();
    void keep();
    void remove();
    void removed(const Status& status);
    void end(Ending::Kind kind);

    queue::Durability durability() const;
    void record(queue::Durability durability, std::function<void()> then);
    void retry_later(std::string_view what, const Error& error, std::function<void()> action);
    void tell_news();
    void tell(const RoundNews::Item& news) const;
    void tell_rest();
    std::int64_t wall() const { return house_.spool.wall().time_since_epoch().count(); }
    // Since when it has been tried, and since it was submitted.
    Duration age() const { return house_.loop.now() - facts_.born; }
    Duration delay() const;

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
    bool tried_ = false;  // some of it, in this round
    bool lost_ = false;
    bool forget_ = false;
    Life life_;
};

}  // namespace holdfast::qmgr
