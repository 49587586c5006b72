// Accepts SMTP from strangers. Holds no key, opens no file, knows no user, and vouches for
// nothing: whatever it says to qmgr is checked again there. Trusts its parent; takes from qmgr
// only what the links allow.
#pragma once

#include <memory>
#include <vector>

#include "smtpd/base/log.h"
#include "smtpd/confine/entry.h"
#include "smtpd/links/parent_smtpin.h"
#include "smtpd/loop/acceptor.h"
#include "smtpd/loop/channel.h"
#include "smtpd/loop/log_keeper.h"
#include "smtpd/smtpin/sessions.h"

namespace holdfast::smtpin {

Confinement confinement();

class Room {
  public:
    Room(Loop& loop, Entry<links::SmtpinSnapshot> entry);

    void on(links::Start&& start);
    void on(links::Peer&& peer);
    void on(links::Listener&& listener);
    void on(links::Go&& go);
    void on(links::Drain&& drain);
    void on(links::NewLog&& message) { log::reopen(std::move(message.log)); }
    void on_end(ChannelEnd how);

  private:
    void report_malformed();
    void drain();

    Loop& loop_;
    Channel<links::SmtpinToParent, links::ParentToSmtpin> parent_;
    LogKeeper log_keeper_;
    Sessions sessions_;
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
    bool serving_ = false;
    bool draining_ = false;
};

}  // namespace holdfast::smtpin
