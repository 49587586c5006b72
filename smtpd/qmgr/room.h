// The room that owns the spool: admits, routes, schedules, records and bounces. It opens no network
// socket, parses neither header nor configuration, and believes nothing that another room says
// without checking. The map of what it hears and says: links/{parent,smtpin,control}_qmgr.h,
// qmgr_mda.h and users_client.h.
#pragma once

#include <memory>
#include <optional>

#include "smtpd/base/log.h"
#include "smtpd/links/parent_qmgr.h"
#include "smtpd/loop/channel.h"
#include "smtpd/loop/log_keeper.h"
#include "smtpd/qmgr/agents.h"
#include "smtpd/qmgr/control_peer.h"
#include "smtpd/qmgr/deliveries.h"
#include "smtpd/qmgr/destinations.h"
#include "smtpd/qmgr/drop_pickup.h"
#include "smtpd/qmgr/smtpin_peer.h"
#include "smtpd/qmgr/user_directory.h"

namespace holdfast::qmgr {

class Room {
  public:
    // After Drain, how long messages may still be handed in before the channels close.
    static constexpr Duration grace = std::chrono::seconds(3);

    struct Setup {
        UniqueFd parent;
        Instance instance = Instance::system;
        links::QmgrSnapshot snapshot;
        std::unique_ptr<Spool> spool;
        std::string folder;                     // its path, to be watched; empty: it cannot be
        std::optional<DropPickup::Setup> drop;  // nothing: there is none, or it cannot be trusted
    };

    // Says Ready.
    Room(Loop& loop, Setup setup);
    ~Room();

    // Of the parent.
    void on(links::Start&& message);
    void on(links::Peer&& message);
    void on(links::Go&& message);
    void on(links::Drain&& message);
    void on(links::NewAliases&& message);
    void on(links::MdaSpawned&& message) { agents_.on(std::move(message)); }
    void on(links::MdaRefused&& message) { agents_.on(std::move(message)); }
    void on(links::Release&& message);
    void on(links::Schedule&& message);
    void on(links::Settled&& message);
    void on(links::NewLog&& message) { log::reopen(std::move(message.log)); }
    void on_unknown() {}  // a later parent says what concerns its own rooms
    void on_end(ChannelEnd how);

  private:
    std::unique_ptr<DropPickup> make_pickup(std::optional<DropPickup::Setup> setup);
    void meet_smtpin(UniqueFd channel);
    void meet_control(UniqueFd channel);
    void report_breach(links::Room sender, const std::optional<Breach>& breach);
    void tell_settled();
    void on_broken(const Destinations::Closure& closure);
    void drain();
    void look_at_orphan();
    void stop_if_quiet();
    bool quiet() const;

    Loop& loop_;
    std::unique_ptr<Spool> spool_;
    Router router_;
    Backoff backoff_;
    DiskHealth health_;
    Channel<links::QmgrToParent, links::ParentToQmgr> parent_;
    LogKeeper log_keeper_;
    UserDirectory users_;
    Agents agents_;
    Destinations destinations_;
    Surroundings surroundings_;
    std::unique_ptr<DropPickup> pickup_;
    std::vector<MessageId> in_hand_;  // of Schedule, so far
    std::vector<MessageId> settled_;  // not yet told
    Deliveries deliveries_;
    Reception reception_;
    Instance instance_;
    std::unique_ptr<SmtpinPeer> smtpin_;
    std::unique_ptr<ControlPeer> control_;
    Timer drain_timer_;
    std::optional<MonoTime> draining_since_;
    bool orphan_ = false;  // the parent has died, and smtpin or control has not ended
    Life life_;
};

}  // namespace holdfast::qmgr
