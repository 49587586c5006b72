#include "smtpd/control/client.h"

#include <sys/socket.h>

#include "smtpd/base/log.h"

namespace holdfast::control {

namespace {

// A client has read all of its input before it connects: it owes us no pause. These are for
// machines that swap, and for those who wish us ill.
constexpr Duration idle_limit = std::chrono::seconds(20);
constexpr Duration stuck_limit = std::chrono::seconds(30);
// In a room that drains: on a machine that is short of processors a client may come to its first
// word late, and one that never says it holds up no more than this.
constexpr Duration first_word_limit = std::chrono::seconds(10);
constexpr Duration submission_limit = std::chrono::minutes(5);
constexpr Duration large_submission_limit = std::chrono::minutes(1);

}  // namespace

Client::Client(House& house, UniqueFd socket, LocalPeer peer, std::function<void()> on_closed)
    : house_(house),
      peer_(peer),
      on_closed_(std::move(on_closed)),
      channel_(house.loop(), std::move(socket), *this, links::Tail::skip),
      intake_(house, peer.uid, 0,
              {[this](const Outcome& outcome) { ended(outcome); }, [this] { moved(); }}),
      request_(house, {channel_.socket(), peer.uid},
               {[this](links::ControlToClient message) { reply(std::move(message)); },
                [this] { let_go(); }}),
      began_(house.loop().now()),
      progress_(began_),
      submission_began_(began_) {
    channel_.distrust();
}

void Client::on(links::Submit&& message) {
    submission_began_ = house_.loop().now();
    submit(std::move(message));
}

template <class Message>
void Client::submit(Message&& message) {
    if (closed_) return;
    has_spoken_ = true;
    progress();
    if (request_.busy()) return malformed("a submission inside a request");
    intake_.on(std::forward<Message>(message));
}

template <class Message>
void Client::on(Message&& message) {
    if (closed_) return;
    has_spoken_ = true;
    progress();
    if (intake_.busy() || request_.busy()) return malformed("a request inside another");
    request_.on(std::forward<Message>(message));
}

void Client::ended(const Outcome& outcome) {
    switch (outcome.fate) {
        case Fate::settled:
        case Fate::refused:
            reply(outcome.answer);
            return moved();
        case Fate::violated:
            return malformed(outcome.answer.text);
        case Fate::lost:
            // The client tries again with the same id, and is told then what became of this.
            log::warning_limited("submission-interrupted",
                                 {{"uid", peer_.uid}, {"reason", "qmgr is gone"}});
            return close();
    }
}

void Client::reply(links::ControlToClient message) {
    if (closed_) return;
    channel_.send(std::move(message));
    progress();
}

void Client::on_drained() {
    if (closed_) return;
    progress();
    request_.on_drained();
    close_if_drained();
}

void Client::moved() {
    if (closed_) return;
    progress();
    channel_.want_read(intake_.wants_input());
    close_if_drained();
}

void Client::malformed(const std::string& what) {
    if (closed_) return;
    log::warning_limited("client-malformed",
                         {{"uid", peer_.uid}, {"pid", peer_.pid}, {"reason", what}});
    close();
}

void Client::on_end(ChannelEnd how) {
    if (how == ChannelEnd::malformed) return malformed("not the protocol of the control socket");
    close();
}

// The parent has the socket, and the client waits there for its answer.
void Client::let_go() {
    if (closed_) return;
    closed_ = true;
    channel_.want_read(false);
    on_closed_();
}

void Client::close() {
    if (closed_) return;
    closed_ = true;
    channel_.want_read(false);
    // The end shows though qmgr or the parent may still hold the socket, to see whose it is.
    ::shutdown(channel_.socket(), SHUT_RDWR);
    on_closed_();
}

void Client::drain() {
    draining_ = true;
    channel_.flush();
    close_if_drained();
}

void Client::close_if_drained() {
    if (!draining_ || intake_.busy() || request_.busy() || channel_.backlog() != 0) return;
    // What it wants may be on its way.
    const bool fresh = !has_spoken_ && house_.loop().now() - began_ < first_word_limit;
    if (!fresh) close();
}

bool Client::overdue() const {
    const MonoTime now = house_.loop().now();
    if (!intake_.wants_input()) return now - progress_ > stuck_limit;
    // While the parent or qmgr has the word, the client need do nothing but read.
    const bool waits_for_us = request_.busy() ? channel_.backlog() == 0 : intake_.handed_over();
    if (waits_for_us) return false;
    if (now - progress_ > idle_limit) return true;
    const Duration limit = intake_.holds_large_turn() ? large_submission_limit : submission_limit;
    return intake_.busy() && now - submission_began_ > limit;
}

void Client::check_deadlines() {
    request_.check_patience();
    if (!closed_) close_if_drained();
    if (closed_ || !overdue()) return;
    log::warning_limited("client-timeout", {{"uid", peer_.uid}, {"pid", peer_.pid}});
    close();
}

}  // namespace holdfast::control
