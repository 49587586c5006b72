// The room: takes local clients from the control socket, asks `users` who they are, hands their
// mail to qmgr and their requests to qmgr or the parent. It trusts the kernel's word on who a
// client is, and the parent; qmgr and users as far as their links allow.
#pragma once

#include <memory>
#include <vector>

#include "smtpd/base/log.h"
#include "smtpd/confine/entry.h"
#include "smtpd/control/clients.h"
#include "smtpd/control/house.h"
#include "smtpd/links/parent_control.h"
#include "smtpd/links/snapshots.h"
#include "smtpd/loop/acceptor.h"
#include "smtpd/loop/channel.h"
#include "smtpd/loop/last_call.h"
#include "smtpd/loop/log_keeper.h"
#include "smtpd/loop/loop.h"

namespace holdfast::control {

// It takes connections, and does nothing else with the world.
Confinement confinement();

class Room {
  public:
    Room(Loop& loop, Entry<links::ControlSnapshot> entry, Clients::Limits limits = {});

    // For the channel to the parent.
    void on(links::Start&& message);
    void on(links::Peer&& message);
    void on(links::Listener&& message);
    void on(links::Go&& message);
    void on(links::Drain&& message);
    void on(links::StatusReply&& message) { house_.answer(std::move(message)); }
    void on(links::Done&& message) { house_.answer(std::move(message)); }
    void on(links::NewLog&& message) { log::reopen(std::move(message.log)); }
    void on_unknown() {}  // a later parent says what concerns its own rooms
    void on_end(ChannelEnd how);

  private:
    void drain();

    Loop& loop_;
    links::ControlSnapshot snapshot_;
    Channel<links::ControlToParent, links::ParentToControl> parent_;
    LogKeeper log_keeper_;
    House house_;
    Clients clients_;
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
    Timer end_;
    LastCall last_call_;
    bool serving_ = false;
    bool draining_ = false;
};

}  // namespace holdfast::control
