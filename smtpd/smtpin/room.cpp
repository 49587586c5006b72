#include "smtpd/smtpin/room.h"

#include <algorithm>
#include <csignal>
#include <iterator>
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

// By SIGTERM, which is ignored while the parent lives: another parent serves now.
volatile std::sig_atomic_t told_to_leave = 0;

constexpr Duration between_looks_for_successor = std::chrono::milliseconds(100);

}  // namespace

Confinement confinement() {
    return {{Power::accept}, {}, {}};
}

Room::Room(Loop& loop, Entry<links::SmtpinSnapshot> entry, Lease lease)
    : loop_(loop),
      lease_(lease),
      drain_patience_(std::chrono::seconds(entry.snapshot.drain_seconds)),
      drain_limit_(std::chrono::seconds(entry.snapshot.drain_limit_seconds)),
      relay_rights_(entry.snapshot.relay_rights),
      parent_(loop, std::move(entry.parent), *this, links::Tail::skip),
      log_keeper_(loop, [this] { parent_.send(links::LogLost{}); }),
      certificates_({[this](const tls::SignRequest& request) { return sign(request); },
                     [this] { return signer_.present(); },
                     [this](std::uint64_t set) { parent_.send(links::CertificatesFree{set}); }}),
      sessions_(loop, within_means(entry.snapshot), certificates_,
                {[this] { report_malformed(links::Room::qmgr); }, [this] { stop_if_over(); }}),
      lease_end_(loop, [this] { let_listeners_go(); }),
      successor_look_(loop, [this] { look_for_successor(); }),
      last_call_(loop, std::move(entry.start.life), [this] { called(); }) {
    parent_.send(links::Ready{});
    parent_.flush();
}

void Room::on(links::Start&&) {
    panic("a second Start");
}

void Room::on(links::Peer&& peer) {
    if (peer.room == links::Room::qmgr) return sessions_.connect_queue(std::move(peer.channel));
    if (peer.room == links::Room::signer) return signer_.replace(std::move(peer.channel));
    log::warning("unknown-peer", {{"room", links::room_name(peer.room)}});
}

void Room::on(links::LoadCertificates&& message) {
    auto answer = certificates_.load(std::move(message), loop_.clock().wall());
    if (!answer) return;
    auto& all = answer->certificates;
    for (std::size_t i = 0; i < all.size(); i += links::max_facts_in_message) {
        const std::size_t end = std::min(all.size(), i + links::max_facts_in_message);
        links::CertificatesLoaded part{answer->set, {}, end < all.size()};
        std::move(all.begin() + static_cast<std::ptrdiff_t>(i),
                  all.begin() + static_cast<std::ptrdiff_t>(end),
                  std::back_inserter(part.certificates));
        parent_.send(std::move(part));
    }
}

// What becomes free by it is told after it.
void Room::on(links::UseCertificates&& message) {
    if (!certificates_.has(message.set)) return;
    parent_.send(links::CertificatesInUse{message.set});
    certificates_.use(message.set);
}

void Room::on(links::TicketKeys&& message) {
    std::vector<tls::TicketKey> keys;
    for (const std::string& bytes : message.keys) {
        tls::TicketKey& key = keys.emplace_back();
        if (bytes.size() != key.size()) panic("a ticket key of the wrong size");
        std::ranges::copy(bytes, key.begin());
    }
    certificates_.use_ticket_keys(std::move(keys));
}

// A handshake waits for it.
Result<std::string> Room::sign(const tls::SignRequest& request) {
    auto signature = signer_.sign(request);
    if (signer_.take_failed()) report_malformed(links::Room::signer);
    return signature;
}

// Those that smtpd.conf names for a listener.
Networks Room::networks_of(const std::string& listener) const {
    const auto found = std::ranges::find(relay_rights_, listener, &links::RelayRight::listener);
    return found == relay_rights_.end() ? Networks() : Networks(found->networks);
}

void Room::on(links::Listener&& listener) {
    if (draining_) return;
    send_without_delay(listener.socket.get());
    const Sessions::Door door{listener.tls, networks_of(listener.address)};
    acceptors_.push_back(std::make_unique<Acceptor>(
        loop_, std::move(listener.socket), std::move(listener.address),
        [this, door](UniqueFd socket) { sessions_.accept(std::move(socket), door); }));
    acceptors_.back()->want_connections(serving_);
}

void Room::on(links::Go&&) {
    serving_ = true;
    for (auto& acceptor : acceptors_) acceptor->want_connections(true);
    parent_.send(links::Serving{});
}

// A second one may come, when the house is stopped while this room still drains.
void Room::on(links::Drain&& message) {
    keep_listeners(message.leaving);
    parent_.send(links::NotAccepting{});
    drain(std::chrono::seconds(message.patience_seconds), drain_limit_);
}

// The others are shared with the generation that takes over: what waits there is its own.
void Room::keep_listeners(const std::vector<std::string>& addresses) {
    std::erase_if(acceptors_, [&](const std::unique_ptr<Acceptor>& acceptor) {
        return std::ranges::find(addresses, acceptor->address()) == addresses.end();
    });
    if (!acceptors_.empty() && !draining_) lease_end_.set(lease_.leaving);
}

void Room::report_malformed(links::Room room) {
    log::error("peer-malformed", {{"room", links::room_name(room)}});
    parent_.send(links::Malformed{room});
}

// The parent has died. Nobody else may accept yet, so this goes on for a while, or until another
// parent says that it serves; then as after a reload.
void Room::on_end(ChannelEnd) {
    last_call_.listen();
    if (draining_) return;
    if (!serving_) return loop_.stop(0);
    log::warning("parent-gone", {{"accepts-for", lease_.orphaned}});
    lease_end_.set(lease_.orphaned);
    told_to_leave = 0;
    std::signal(SIGTERM, [](int) { told_to_leave = 1; });
    look_for_successor();
}

void Room::look_for_successor() {
    if (draining_) return;
    if (told_to_leave != 0) return let_listeners_go();
    successor_look_.set(between_looks_for_successor);
}

void Room::let_listeners_go() {
    for (auto& acceptor : acceptors_) acceptor->take_waiting();
    acceptors_.clear();
    if (!draining_) return drain(drain_patience_, drain_limit_);
    stop_if_over();
}

// The house is being stopped, by a parent that came later.
void Room::called() {
    keep_listeners({});
    drain(Duration::zero(), std::min(LastCall::limit, drain_limit_));
}

void Room::drain(Duration patience, Duration limit) {
    draining_ = true;
    const MonoTime soft = loop_.now() + patience;
    sessions_.drain({soft, std::max(soft, loop_.now() + limit)});
    stop_if_over();
}

void Room::stop_if_over() {
    if (draining_ && acceptors_.empty() && sessions_.empty()) loop_.stop(0);
}

}  // namespace holdfast::smtpin
