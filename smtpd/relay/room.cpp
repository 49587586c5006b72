#include "smtpd/relay/room.h"

#include <utility>

#include "smtpd/base/panic.h"

namespace holdfast::relay {

Confinement confinement() {
    return {{Power::ip_client}, {}, {}};
}

Room::Room(Loop& loop, Entry<links::RelaySnapshot> entry,
           std::shared_ptr<const tls::CryptoLibrary> library)
    : loop_(loop),
      config_(std::move(entry.snapshot)),
      parent_(loop, std::move(entry.parent), *this, links::Tail::skip),
      log_keeper_(loop, [this] { parent_.send(links::LogLost{}); }),
      files_([this](links::FileWanted wanted) { parent_.send(wanted); }),
      names_(loop, files_),
      trust_(loop, files_, std::move(library)),
      pool_(loop, [this] { stop_if_done(); }),
      house_{{loop, files_, names_, trust_, config_},
             pool_,
             [this](links::RelayToQmgr message) {
                 if (queue_) queue_->send(std::move(message));
             },
             [this](links::RelayToQmgr message) {
                 if (!queue_) return;
                 queue_->send(std::move(message));
                 queue_->flush();
             }},
      last_call_(loop, std::move(entry.start.life), [this] { loop_.stop(0); }) {
    parent_.send(links::Ready{});
}

void Room::on(links::Start&&) {
    panic("a second Start");
}

// Of an earlier qmgr nothing more is wanted: it has died.
void Room::on(links::Peer&& peer) {
    if (peer.room != links::Room::qmgr) {
        log::warning("unknown-peer", {{"room", links::room_name(peer.room)}});
        return;
    }
    deliveries_.clear();
    queue_ = std::make_unique<Channel<links::RelayToQmgr, links::QmgrToRelay>>(
        loop_, std::move(peer.channel), queue_end_);
}

void Room::deliver(links::Send send) {
    const std::uint64_t job = send.job;
    const bool known = std::ranges::all_of(
        send.relays, [this](std::uint32_t relay) { return relay < config_.relays.size(); });
    if (!known || send.recipients.empty() || deliveries_.contains(job) ||
        deliveries_.size() >= links::max_relay_jobs) {
        return queue_left(ChannelEnd::malformed);
    }
    deliveries_[job] =
        std::make_unique<Delivery>(house_, std::move(send), [this, job] { over(job); });
}

// Its own callback is on the stack.
void Room::over(std::uint64_t job) {
    auto gone = deliveries_.extract(job);
    loop_.after_turn([kept = std::shared_ptr<Delivery>(std::move(gone.mapped()))] {});
    stop_if_done();
}

// What is on its way cannot be told to anybody: it is cut, and the next qmgr has it tried again.
void Room::queue_left(ChannelEnd how) {
    loop_.after_turn([channel = std::shared_ptr<Channel<links::RelayToQmgr, links::QmgrToRelay>>(
                          std::move(queue_))] {});
    deliveries_.clear();
    if (how == ChannelEnd::malformed) {
        log::error("peer-malformed", {{"room", "qmgr"}});
        parent_.send(links::Malformed{links::Room::qmgr});
    }
    stop_if_done();
}

// qmgr begins nothing more when this comes; what it has begun is finished.
void Room::on(links::Drain&&) {
    drain();
}

// qmgr finishes what it has begun, and closes.
void Room::on_end(ChannelEnd) {
    last_call_.listen();
    drain();
}

void Room::drain() {
    draining_ = true;
    pool_.drain();
    stop_if_done();
}

void Room::stop_if_done() {
    if (draining_ && !queue_ && deliveries_.empty() && pool_.empty()) loop_.stop(0);
}

}  // namespace holdfast::relay
