#include "smtpd/smtpin/sessions.h"

#include <utility>

#include <sys/socket.h>

#include "smtpd/base/log.h"

namespace holdfast::smtpin {

namespace {

// What may wait for a qmgr that does not read, over all sessions.
constexpr std::size_t max_queue_backlog = 1024 * 1024;

}  // namespace

Sessions::Sessions(Loop& loop, const links::SmtpinSnapshot& snapshot, Certificates& certificates,
                   Callbacks callbacks)
    : loop_(loop),
      certificates_(certificates),
      callbacks_(std::move(callbacks)),
      policy_{snapshot.hostname, snapshot.max_message_bytes, snapshot.max_recipients,
              MessageId::generate, [this] { return certificates_.ready(); }},
      counter_(snapshot.max_sessions, snapshot.max_sessions_per_client) {}

void Sessions::accept(UniqueFd socket, const Door& door) {
    auto client = ClientAddress::of_peer(socket.get());
    if (!client) return;
    const bool may_relay = door.relayed.hold(*client);
    Arrival arrival{std::move(socket), std::move(*client), door.tls, may_relay};
    Admission admission = counter_.enter(arrival.client.key());
    if (admission != Admission::admitted && displace_for(arrival.client, admission)) {
        admission = counter_.enter(arrival.client.key());
    }
    if (admission != Admission::admitted) return turn_away(arrival, admission);
    open(std::move(arrival));
}

void Sessions::open(Arrival arrival) {
    const SessionNumber number = ++last_number_;
    auto connection = std::make_unique<Connection>(*this, std::move(arrival), number);
    Connection& fresh = *connection;
    open_.emplace(number, std::move(connection));
    fresh.on_drain(grace_);
    fresh.begin(queue_state());
}

// Of the clients with no fewer sessions than this one has, so that nobody who opens many drives
// out those who have few; of this one alone where only its own limit is reached.
bool Sessions::displace_for(const ClientAddress& client, Admission why) {
    const std::size_t own = counter_.open(client.key());
    std::size_t most = 0;
    MonoTime longest = loop_.now();
    auto victim = open_.end();
    for (auto at = open_.begin(); at != open_.end(); ++at) {
        const ClientKey& key = at->second->client().key();
        const std::size_t share = counter_.open(key);
        const bool eligible = why == Admission::too_many ? share >= own : key == client.key();
        const MonoTime since = at->second->displaceable_at();
        if (!eligible || since > loop_.now() || share < most) continue;
        if (share == most && since >= longest) continue;
        most = share;
        longest = since;
        victim = at;
    }
    if (victim == open_.end()) return false;
    const std::string displaced = victim->second->client().with_port();
    log::warning_limited("session-displaced", {{"client", displaced}, {"by", client.with_port()}});
    victim->second->displace();
    over(victim->first);
    return true;
}

// No session is made for it: a client that opens too many must not cost more by that. It has sent
// nothing yet if it is a mail client, so closing at once does not eat the reply; with implicit TLS
// nothing can be said without a handshake.
void Sessions::turn_away(const Arrival& arrival, Admission why) {
    const std::string reason = why == Admission::too_many_from_client
                                   ? "too many connections from your address"
                                   : "too many connections";
    const std::string reply = to_wire({421, "4.7.0", reason + "; try again later"});
    if (arrival.tls != links::TlsMode::implicit) {
        ::send(arrival.socket.get(), reply.data(), reply.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    log::warning_limited("turned-away",
                         {{"client", arrival.client.with_port()}, {"reason", reason}});
}

SmtpSession::Queue Sessions::queue_state() const {
    return queue_ ? SmtpSession::Queue::present : SmtpSession::Queue::absent;
}

void Sessions::connect_queue(UniqueFd channel) {
    queue_.emplace(loop_, std::move(channel), *this);
    tell_queue_state();
}

void Sessions::tell_queue_state() {
    for (auto& [number, connection] : open_) connection->on_queue(queue_state());
}

void Sessions::send(links::SmtpinToQmgr message) {
    if (queue_) queue_->send(std::move(message));
}

bool Sessions::congested() const {
    return queue_ && queue_->backlog() > max_queue_backlog;
}

void Sessions::on_end(ChannelEnd how) {
    queue_.reset();
    tell_queue_state();
    if (how == ChannelEnd::malformed) callbacks_.on_queue_malformed();
}

void Sessions::on_drained() {
    for (auto& [number, connection] : open_) connection->resume();
}

void Sessions::drain(Grace grace) {
    grace_ = grace;
    for (auto& [number, connection] : open_) connection->on_drain(grace);
}

void Sessions::over(SessionNumber number) {
    const auto found = open_.find(number);
    counter_.leave(found->second->client().key());
    open_.erase(found);
    if (open_.empty()) callbacks_.on_last_over();
}

}  // namespace holdfast::smtpin
