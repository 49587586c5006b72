// One connection to the control socket: sendmail or mtactl, run by anybody. It can end only
// itself: what it says wrongly or does not say in time closes this connection and no other.
#pragma once

#include <functional>
#include <optional>

#include "smtpd/control/house.h"
#include "smtpd/control/intake.h"
#include "smtpd/control/local_peer.h"
#include "smtpd/control/request.h"
#include "smtpd/links/control_client.h"
#include "smtpd/loop/channel.h"

namespace holdfast::control {

class Client {
  public:
    // `on_over` is called once, when the connection has ended or should: the owner then destroys
    // this, but not before the call has returned.
    Client(House& house, UniqueFd socket, LocalPeer peer, std::function<void()> on_over);

    std::uint32_t uid() const { return peer_.uid; }
    // When something last went on here.
    MonoTime last_progress() const { return progress_; }

    // Ends as soon as what is in hand has been answered: no new submissions or requests.
    void drain();
    // Ends now.
    void close();

    // For the channel.
    void on(links::Submit&& message);
    void on(links::SubmitRecipients&& message) { submit(std::move(message)); }
    void on(links::SubmitBytes&& message) { submit(std::move(message)); }
    void on(links::SubmitEnd&& message) { submit(std::move(message)); }
    void on(links::StatusRequest&& message) { request(std::move(message)); }
    void on(links::ListRequest&& message) { request(std::move(message)); }
    void on(links::ShowRequest&& message) { request(std::move(message)); }
    void on(links::RemoveRequest&& message) { request(std::move(message)); }
    void on(links::FlushRequest&& message) { request(std::move(message)); }
    void on(links::StopRequest&& message) { request(std::move(message)); }
    void on(links::AliasesRequest&& message) { request(std::move(message)); }
    void on_end(ChannelEnd how);
    void on_drained();

  private:
    template <class Message>
    void submit(Message&& message);
    template <class Message>
    void request(Message&& message);
    Intake::Events intake_events();
    void reply(links::ControlToClient message);
    void malformed(const std::string& what);
    void moved();
    void close_if_drained();
    bool waits_for_client() const;
    bool overdue() const;
    void check_deadlines();
    void progress();

    House& house_;
    LocalPeer peer_;
    std::function<void()> on_over_;
    Channel<links::ControlToClient, links::ClientToControl> channel_;
    Intake intake_;
    Request request_;
    Timer timer_;
    MonoTime progress_;
    MonoTime submission_began_;
    bool draining_ = false;
    bool closed_ = false;
};

}  // namespace holdfast::control
