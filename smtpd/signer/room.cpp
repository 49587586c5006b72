#include "smtpd/signer/room.h"

#include <algorithm>

#include "smtpd/base/log.h"
#include "smtpd/base/panic.h"
#include "smtpd/tls/crypto_error.h"

namespace holdfast::signer {

namespace {

// Answers that a peer has not read: with more, no further question is taken from it.
constexpr std::size_t max_backlog = 64 * 1024;

// The parent knows the name; what else may be wrong with a key fits.
constexpr std::size_t max_error = 1000;

}  // namespace

Confinement confinement() {
    return {};
}

class Room::Client {
  public:
    Client(Room& room, links::Room name, UniqueFd channel)
        : room_(room), name_(name), channel_(room.loop_, std::move(channel), *this) {}

    links::Room name() const { return name_; }

    void on(links::Sign&& question) {
        if (channel_.backlog() > max_backlog) channel_.want_read(false);
        room_.answer(*this, question);
    }
    void on_end(ChannelEnd how) { room_.lost(*this, how); }
    void on_drained() { channel_.want_read(true); }

    void send(links::Signed answer) {
        channel_.send(std::move(answer));
        channel_.flush();  // a handshake waits
    }

  private:
    Room& room_;
    links::Room name_;
    Channel<links::SignerToSmtpin, links::SmtpinToSigner> channel_;
};

Room::Room(Loop& loop, Entry<links::SignerSnapshot> entry)
    : loop_(loop),
      parent_(loop, std::move(entry.parent), *this, links::Tail::skip),
      log_keeper_(loop, [this] { parent_.send(links::LogLost{}); }) {
    tls::set_up_crypto();
    parent_.send(links::Ready{});
}

Room::~Room() = default;

void Room::on(links::Start&&) {
    panic("signer: a second Start");
}

void Room::on(links::Peer&& peer) {
    std::erase_if(clients_, [&](const auto& client) { return client->name() == peer.room; });
    if (peer.room != links::Room::smtpin) {
        log::warning("unknown-peer", {{"room", links::room_name(peer.room)}});
        return;
    }
    clients_.push_back(std::make_unique<Client>(*this, peer.room, std::move(peer.channel)));
}

// The parent tells signer last, when nobody is left who shakes hands.
void Room::on(links::Drain&&) {
    loop_.stop(0);
}

// Whom an orphaned smtpin still serves has handshakes to sign.
void Room::on_end(ChannelEnd) {
    orphan_ = true;
    stop_if_alone();
}

void Room::stop_if_alone() {
    if (orphan_ && clients_.empty()) loop_.stop(0);
}

void Room::on(links::LoadKeys&& order) {
    links::KeysLoaded answer{order.set, {}};
    for (const links::KeyFile& file : order.keys) {
        auto loaded = keys_.load(order.set, file);
        loaded.error.resize(std::min(loaded.error.size(), max_error));
        if (loaded.error.empty()) {
            log::info("key-loaded", {{"key", file.name}, {"set", order.set}});
        }
        answer.keys.push_back(std::move(loaded));
    }
    parent_.send(std::move(answer));
}

void Room::on(links::ForgetKeys&& order) {
    keys_.forget(order.set);
    log::info("keys-forgotten", {{"set", order.set}});
}

void Room::answer(Client& client, const links::Sign& question) {
    auto signature = keys_.sign(question);
    if (signature) return client.send({question.request, std::move(*signature), {}});
    log::warning("signature-refused",
                 {{"room", links::room_name(client.name())}, {"reason", signature.error()}});
    client.send({question.request, {}, signature.error()});
}

void Room::lost(const Client& client, ChannelEnd how) {
    const links::Room name = client.name();
    if (how == ChannelEnd::malformed) {
        log::error("peer-malformed", {{"room", links::room_name(name)}});
        parent_.send(links::Malformed{name});
    }
    std::erase_if(clients_, [&](const auto& other) { return other.get() == &client; });
    stop_if_alone();
}

}  // namespace holdfast::signer
