#include "smtpd/smtpin/room.h"

#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "smtpd/base/log.h"
#include "smtpd/base/panic.h"

namespace holdfast::smtpin {

namespace {

// Accepted sockets inherit it: a second reply must not wait for the client to acknowledge the
// first. Failure costs some time, nothing else.
void send_without_delay(int listener) {
    const int on = 1;
    setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// Raises the limit of descriptors as far as it may; the rest of the sessions have to be let go.
links::SmtpinSnapshot within_means(links::SmtpinSnapshot snapshot) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    const std::size_t sessions = affordable_sessions(snapshot.max_sessions, limit.rlim_cur);
    if (sessions < snapshot.max_sessions) {
        log::warning("fewer-sessions", {{"wanted", snapshot.max_sessions},
                                        {"possible", sessions},
                                        {"reason", "limit of open files"}});
    }
    snapshot.max_sessions = static_cast<std::uint32_t>(sessions);
    return snapshot;
}

}  // namespace

Confinement confinement() {
    return {{Power::accept}, {}, {}};
}

Room::Room(Loop& loop, Entry<links::SmtpinSnapshot> entry)
    : loop_(loop),
      parent_(loop, std::move(entry.parent), *this, links::Tail::skip),
      log_keeper_(loop, [this] { parent_.send(links::LogLost{}); }),
      sessions_(loop, within_means(entry.snapshot),
                {[this] { report_malformed(); }, [this] { loop_.stop(0); }}) {
    parent_.send(links::Ready{});
    parent_.flush();
}

void Room::on(links::Start&&) {
    panic("a second Start");
}

void Room::on(links::Peer&& peer) {
    if (peer.room != links::Room::qmgr) {
        return log::warning("unknown-peer", {{"room", links::room_name(peer.room)}});
    }
    sessions_.connect_queue(std::move(peer.channel));
}

void Room::on(links::Listener&& listener) {
    if (draining_) return;
    send_without_delay(listener.socket.get());
    acceptors_.push_back(std::make_unique<Acceptor>(
        loop_, std::move(listener.socket), std::move(listener.address),
        [this](UniqueFd socket) { sessions_.accept(std::move(socket)); }));
    acceptors_.back()->want_connections(serving_);
}

void Room::on(links::Go&&) {
    serving_ = true;
    for (auto& acceptor : acceptors_) acceptor->want_connections(true);
}

void Room::on(links::Drain&&) {
    drain();
}

void Room::report_malformed() {
    log::error("peer-malformed", {{"room", links::room_name(links::Room::qmgr)}});
    parent_.send(links::Malformed{links::Room::qmgr});
}

// The parent has gone: what is in hand is finished, and another parent starts other rooms.
void Room::on_end(ChannelEnd) {
    drain();
}

void Room::drain() {
    if (std::exchange(draining_, true)) return;
    acceptors_.clear();
    sessions_.drain();
}

}  // namespace holdfast::smtpin
