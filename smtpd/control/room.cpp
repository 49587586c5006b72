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
      requests_to_parent_(
          [this](links::ControlToParent message) { parent_.send(std::move(message)); }),
      qmgr_(loop, {[this] { on_malformed(links::Room::qmgr); },
                   [this](DropMessage&& message) { drop_files_.on(std::move(message)); },
                   [this] { drop_files_.clear(); }}),
      users_(loop, [this] { on_malformed(links::Room::users); }),
      house_{loop, snapshot_, requests_to_parent_, qmgr_, users_, large_turn_},
      drop_files_(house_),
      clients_(house_, limits, [this] { loop_.stop(0); }) {
    parent_.send(links::Ready());
}

void Room::on(links::Start&&) {
    panic("a second Start from the parent");
}

void Room::on(links::Peer&& message) {
    switch (message.room) {
        case links::Room::qmgr:
            return qmgr_.attach(std::move(message.channel));
        case links::Room::users:
            return users_.attach(std::move(message.channel));
        case links::Room::parent:
        case links::Room::smtpin:
        case links::Room::control:
        case links::Room::mda:
        case links::Room::probe:
            break;
    }
    log::warning("unknown-peer", {{"room", links::room_name(message.room)}});
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
}

void Room::on(links::Drain&&) {
    drain();
}

void Room::on(links::StatusReply&& message) {
    requests_to_parent_.on_reply(message.request, std::move(message));
}

void Room::on(links::Done&& message) {
    requests_to_parent_.on_reply(message.request, std::move(message));
}

void Room::on_end(ChannelEnd) {
    requests_to_parent_.on_lost();
    drain();
}

void Room::drain() {
    if (draining_) return;
    draining_ = true;
    acceptors_.clear();
    clients_.drain();
}

void Room::on_malformed(links::Room sender) {
    log::error("peer-malformed", {{"room", links::room_name(sender)}});
    parent_.send(links::Malformed{sender});
}

}  // namespace holdfast::control
