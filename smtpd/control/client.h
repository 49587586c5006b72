// One connection to the control socket: sendmail or mtactl, run by anybody. It can end only
// itself: what it says wrongly or does not say in time closes this connection and no other.
#pragma once

#include <functional>

#include "smtpd/control/house.h"
#include "smtpd/control/intake.h"
#include "smtpd/control/local_peer.h"
#include "smtpd/control/request.h"
#include "smtpd/links/control_client.h"
#include "smtpd/loop/channel.h"

namespace holdfast::control {

class Client {
  public:
    // `on_closed` is called once, when the connection has ended or should: the owner then destroys
    // this, but not before the call has returned.
    Client(House& house, UniqueFd socket, LocalPeer peer, std::function<void()> on_closed);

    std::uint32_t uid() const { return peer_.uid; }
    // When something last went on here.
    MonoTime last_progress() const { return progress_; }
    bool closed() const { return closed_; }

    // Ends as soon as what is in hand has been answered: no new submissions or requests.
    void drain();
    // Ends now.
    void close();
    // To be called now and then.
    void check_deadlines();

    // For the channel.
    void on(links::Submit&& message);
    void on(links::SubmitRecipients&& message) { submit(std::move(message)); }
    void on(links::SubmitBytes&& message) { submit(std::move(message)); }
    void on(links::SubmitEnd&&) { submit(links::SubmitEnd()); }
    template <class Message>
    void on(Message&& message);  // a request
    void on_end(ChannelEnd how);
    void on_drained();

  private:
    template <class Message>
    void submit(Message&& message);
    void ended(const Outcome& outcome);
    void reply(links::ControlToClient message);
    void malformed(const std::string& what);
    void moved();
    void let_go();
    void close_if_drained();
    bool overdue() const;
    void progress() { progress_ = house_.loop().now(); }

    House& house_;
    LocalPeer peer_;
    std::function<void()> on_closed_;
    Channel<links::ControlToClient, links::ClientToControl> channel_;
    Intake intake_;
    Request request_;
    MonoTime began_;
    MonoTime progress_;
    MonoTime submission_began_;
    bool has_spoken_ = false;
    bool draining_ = false;
    bool closed_ = false;
};

}  // namespace holdfast::control
