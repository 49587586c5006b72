#include "smtpd/control/room.h"

#include "smtpd/base/log.h"
#include "smtpd/base/panic.h"

namespace holdfast::control {

Confinement confinement() {
    return {{Power::accept}, {}, {}};
}

Room::Room(Loop& loop, Entry<links::ControlSnapshot> entry, Clients::Limits limits)
    : loop_(loop),
      snapshot_(std::move(entry.snapshot)),
      parent_(loop, std::move(entry.parent), *this, links::Tail::skip),
      log_keeper_(loop, [this] { parent_.send(links::LogLost{}); }),
      house_(loop, snapshot_,
             [this](links::ControlToParent&& message) { parent_.send(std::move(message)); }),
      clients_(house_, limits, [this] { loop_.stop(0); }),
      end_(loop, [this] { loop_.stop(0); }),
      last_call_(loop, std::move(entry.start.life), [this] { end_.set(LastCall::limit); }) {
    parent_.send(links::Ready());
}

void Room::on(links::Start&&) {
    panic("a second Start from the parent");
}

void Room::on(links::Peer&& message) {
    if (message.room == links::Room::qmgr) {
        house_.attach_qmgr(std::move(message.channel));
    } else if (message.room == links::Room::users) {
        house_.attach_users(std::move(message.channel));
    } else {
        log::warning("unknown-peer", {{"room", links::room_name(message.room)}});
    }
}

void Room::on(links::Listener&& message) {
    if (draining_) return;
    acceptors_.push_back(std::make_unique<Acceptor>(
        loop_, std::move(message.socket), message.address,
        [this](UniqueFd socket) { clients_.accept(std::move(socket)); }));
    acceptors_.back()->want_connections(serving_);
}

void Room::on(links::Go&&) {
    serving_ = true;
    for (const auto& acceptor : acceptors_) acceptor->want_connections(true);
    parent_.send(links::Serving{});
}

void Room::on(links::Drain&&) {
    drain();
    parent_.send(links::NotAccepting{});
}

void Room::on_end(ChannelEnd) {
    house_.parent_left();
    last_call_.listen();
    drain();
}

void Room::drain() {
    if (draining_) return;
    draining_ = true;
    acceptors_.clear();
    clients_.drain();
}

}  // namespace holdfast::control
