// signer: holds the private keys of TLS and signs handshakes with them. It opens no file and no
// socket: keys come from the parent as open files, and leave in no form. Trusts the parent; takes
// from smtpin only what looks like a TLS server's handshake, so that an smtpin that has been
// taken over can act as this server while it lives, and can take nothing away.
#pragma once

#include <memory>
#include <vector>

#include "smtpd/base/log.h"
#include "smtpd/confine/entry.h"
#include "smtpd/links/parent_signer.h"
#include "smtpd/links/smtpin_signer.h"
#include "smtpd/links/snapshots.h"
#include "smtpd/loop/channel.h"
#include "smtpd/loop/log_keeper.h"
#include "smtpd/signer/key_ring.h"

namespace holdfast::signer {

Confinement confinement();

class Room {
  public:
    Room(Loop& loop, Entry<links::SignerSnapshot> entry);
    ~Room();

    // The parent.
    void on(links::Start&& start);
    void on(links::Peer&& peer);
    void on(links::Go&&) { parent_.send(links::Serving{}); }
    void on(links::Drain&&);
    void on(links::NewLog&& message) { log::reopen(std::move(message.log)); }
    void on(links::LoadKeys&& order);
    void on(links::ForgetKeys&& order);
    void on_unknown() {}  // a later parent says what concerns its own rooms
    void on_end(ChannelEnd how);

  private:
    class Client;

    void answer(Client& client, const links::Sign& question);
    void lost(const Client& client, ChannelEnd how);
    void stop_if_alone();

    Loop& loop_;
    Channel<links::SignerToParent, links::ParentToSigner> parent_;
    LogKeeper log_keeper_;
    KeyRing keys_;
    std::vector<std::unique_ptr<Client>> clients_;  // one for each peer
    bool orphan_ = false;                           // the parent is gone
};

}  // namespace holdfast::signer
