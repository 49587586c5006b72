// Accepts SMTP from strangers. Holds no private key, opens no file, knows no user, and vouches for
// nothing: whatever it says to qmgr is checked again there. Trusts its parent; takes from qmgr and
// signer only what the links allow.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "smtpd/base/log.h"
#include "smtpd/confine/entry.h"
#include "smtpd/links/parent_smtpin.h"
#include "smtpd/loop/acceptor.h"
#include "smtpd/loop/channel.h"
#include "smtpd/loop/last_call.h"
#include "smtpd/loop/log_keeper.h"
#include "smtpd/smtpin/certificates.h"
#include "smtpd/smtpin/sessions.h"
#include "smtpd/tls/remote_signer.h"

namespace holdfast::smtpin {

Confinement confinement();

class Room {
  public:
    // How long listeners are kept that this room should not have any more.
    struct Lease {
        // After Drain those that are leaving, for connections that are being made meanwhile: an
        // empty queue says nothing of handshakes under way.
        Duration leaving = links::leaving_lease;
        // After the parent's sudden end all of them, for another parent to come, which says so by
        // SIGTERM when it serves.
        Duration orphaned = std::chrono::seconds(60);
    };

    Room(Loop& loop, Entry<links::SmtpinSnapshot> entry, Lease lease);
    Room(Loop& loop, Entry<links::SmtpinSnapshot> entry) : Room(loop, std::move(entry), {}) {}

    void on(links::Start&& start);
    void on(links::Peer&& peer);
    void on(links::Listener&& listener);
    void on(links::Go&& go);
    void on(links::Drain&& drain);
    void on(links::NewLog&& message) { log::reopen(std::move(message.log)); }
    void on(links::LoadCertificates&& message);
    void on(links::UseCertificates&& message);
    void on(links::TicketKeys&& message);
    void on_unknown() {}  // a later parent says what concerns its own rooms
    void on_end(ChannelEnd how);

  private:
    Result<std::string> sign(const tls::SignRequest& request);
    void report_malformed(links::Room room);
    void drain(Duration patience, Duration limit);
    void called();
    Networks networks_of(const std::string& listener) const;
    void keep_listeners(const std::vector<std::string>& addresses);
    void look_for_successor();
    void let_listeners_go();
    void stop_if_over();

    Loop& loop_;
    Lease lease_;
    Duration drain_patience_;
    Duration drain_limit_;
    std::vector<links::RelayRight> relay_rights_;
    Channel<links::SmtpinToParent, links::ParentToSmtpin> parent_;
    LogKeeper log_keeper_;
    tls::RemoteSigner signer_;
    Certificates certificates_;
    Sessions sessions_;
    std::vector<std::unique_ptr<Acceptor>> acceptors_;
    Timer lease_end_;
    Timer successor_look_;
    LastCall last_call_;
    bool serving_ = false;
    bool draining_ = false;
};

}  // namespace holdfast::smtpin
