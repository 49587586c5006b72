// All open sessions, and the one channel to qmgr that they share.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include "smtpd/links/smtpin_qmgr.h"
#include "smtpd/links/snapshots.h"
#include "smtpd/loop/channel.h"
#include "smtpd/smtpin/certificates.h"
#include "smtpd/smtpin/connection.h"
#include "smtpd/smtpin/limits.h"
#include "smtpd/smtpin/networks.h"

namespace holdfast::smtpin {

class Sessions {
  public:
    struct Callbacks {
        std::function<void()> on_queue_malformed;  // the channel is closed already
        std::function<void()> on_last_over;        // the last session has ended
    };

    // `certificates` outlive the sessions.
    Sessions(Loop& loop, const links::SmtpinSnapshot& snapshot, Certificates& certificates,
             Callbacks callbacks);
    Sessions(const Sessions&) = delete;
    Sessions& operator=(const Sessions&) = delete;

    Loop& loop() { return loop_; }
    const Policy& policy() const { return policy_; }
    const Certificates& certificates() const { return certificates_; }

    // What a listener says of those who come to it.
    struct Door {
        links::TlsMode tls = links::TlsMode::none;
        Networks relayed;
    };
    // A new session. Where there are too many an idle one of whoever has most gives way; where
    // there is none the new one gets 421.
    void accept(UniqueFd socket, const Door& door);

    // The channel to qmgr; replaces an earlier one.
    void connect_queue(UniqueFd channel);

    // For all sessions, those that are still to come among them.
    void drain(Grace grace);
    bool empty() const { return open_.empty(); }

    // From a connection. Dropped where there is no qmgr.
    void send(links::SmtpinToQmgr message);
    // So much waits for qmgr that no more should be read from clients.
    bool congested() const;
    // Destroys the connection.
    void over(SessionNumber number);

    // From qmgr.
    void on(links::RecipientReply&& answer) { pass(answer.query, answer); }
    void on(links::Credit&& answer) { pass(answer.transaction, answer); }
    void on(links::Committed&& answer) { pass(answer.transaction, answer); }
    void on(links::Rejected&& answer) { pass(answer.transaction, answer); }
    void on_end(ChannelEnd how);
    void on_drained();

  private:
    using QueueChannel = Channel<links::SmtpinToQmgr, links::QmgrToSmtpin>;

    // An answer to a session that has gone is nobody's.
    template <class Answer>
    void pass(std::uint64_t number, const Answer& answer) {
        const auto found = open_.find(session_of(number));
        if (found != open_.end()) found->second->on_answer(answer);
    }

    SmtpSession::Queue queue_state() const;
    void tell_queue_state();
    void open(Arrival arrival);
    bool displace_for(const ClientAddress& client, Admission why);
    static void turn_away(const Arrival& arrival, Admission why);

    Loop& loop_;
    Certificates& certificates_;
    Callbacks callbacks_;
    Policy policy_;
    SessionCounter counter_;
    std::optional<QueueChannel> queue_;
    std::unordered_map<SessionNumber, std::unique_ptr<Connection>> open_;
    SessionNumber last_number_ = 0;
    Grace grace_;
};

}  // namespace holdfast::smtpin
