// users: tells qmgr and control who a name or a uid is. The one room that resides outside a
// chroot, for NSS needs the machine's files and sockets; it writes nothing and runs nothing.
// Trusts no peer: a question is a name or a number, whoever asks.
#pragma once

#include <memory>
#include <vector>

#include "smtpd/base/log.h"
#include "smtpd/confine/entry.h"
#include "smtpd/links/parent_users.h"
#include "smtpd/links/snapshots.h"
#include "smtpd/links/users_client.h"
#include "smtpd/loop/channel.h"
#include "smtpd/loop/log_keeper.h"
#include "smtpd/users/pool.h"

namespace holdfast::users {

Confinement confinement();

class Room {
  public:
    Room(Loop& loop, Entry<links::UsersSnapshot> entry, Database database = ask_system);
    ~Room();

    // The parent.
    void on(links::Start&& start);
    void on(links::Peer&& peer);
    void on(links::Go&&) { parent_.send(links::Serving{}); }
    void on(links::Drain&&);
    void on(links::NewLog&& message) { log::reopen(std::move(message.log)); }
    void on_unknown() {}  // a later parent says what concerns its own rooms
    void on_end(ChannelEnd how);

  private:
    class Client;

    void ask(const std::shared_ptr<Client>& client, std::uint64_t request, Query query);
    void lost(links::Room peer, ChannelEnd how);
    void stop_when_idle();

    Loop& loop_;
    Channel<links::UsersToParent, links::ParentToUsers> parent_;
    LogKeeper log_keeper_;
    std::vector<std::shared_ptr<Client>> clients_;  // one for each peer
    bool draining_ = false;
    bool orphan_ = false;  // the parent has died
    Pool pool_;
};

}  // namespace holdfast::users
