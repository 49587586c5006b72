#include "smtpd/users/room.h"

#include <algorithm>

#include "smtpd/base/log.h"
#include "smtpd/base/panic.h"

namespace holdfast::users {

namespace {

// Replies that a peer has not read: with more, no further question is taken from it.
constexpr std::size_t max_backlog = 256 * 1024;

}  // namespace

Confinement confinement() {
    return {{Power::threads, Power::reading, Power::unix_client}, {"/"}, {}};
}

// A peer's channel and what is under way for it. Answers that come after its end are dropped.
class Room::Client : public std::enable_shared_from_this<Client> {
  public:
    Client(Room& room, links::Room name, UniqueFd channel)
        : room_(room), name_(name), channel_(room.loop_, std::move(channel), *this) {}

    links::Room name() const { return name_; }

    void on(links::NameQuery&& query) { take(std::move(query)); }
    void on(links::UidQuery&& query) { take(query); }
    void on_end(ChannelEnd how) { room_.lost(name_, how); }
    void on_drained() { channel_.want_read(true); }

    void answer(links::UserReply reply) { channel_.send(std::move(reply)); }

  private:
    template <class Kind>
    void take(Kind query) {
        if (channel_.backlog() > max_backlog) channel_.want_read(false);
        const std::uint64_t request = query.request;
        room_.ask(shared_from_this(), request, std::move(query));
    }

    Room& room_;
    links::Room name_;
    Channel<links::FromUsers, links::ToUsers> channel_;
};

Room::Room(Loop& loop, Entry<links::UsersSnapshot> entry, Database database)
    : loop_(loop),
      parent_(loop, std::move(entry.parent), *this, links::Tail::skip),
      log_keeper_(loop, [this] { parent_.send(links::LogLost{}); }),
      pool_(loop, std::move(database), {.threads = std::max(entry.snapshot.threads, 1U)}) {
    parent_.send(links::Ready{});
}

Room::~Room() = default;

void Room::on(links::Start&&) {
    panic("users: a second Start");
}

void Room::on(links::Peer&& peer) {
    std::erase_if(clients_, [&](const auto& client) { return client->name() == peer.room; });
    if (!peer.channel) return;
    clients_.push_back(std::make_shared<Client>(*this, peer.room, std::move(peer.channel)));
}

void Room::on(links::Drain&&) {
    draining_ = true;
    stop_when_idle();
}

// The others finish their sessions without a parent, and ask until then.
void Room::on_end(ChannelEnd) {
    orphan_ = true;
    stop_when_idle();
}

void Room::ask(const std::shared_ptr<Client>& client, std::uint64_t request, Query query) {
    pool_.ask(std::move(query),
              [this, weak = std::weak_ptr(client), request](links::UserReply reply) {
                  reply.request = request;
                  if (const auto asker = weak.lock()) asker->answer(std::move(reply));
                  loop_.after_turn([this] { stop_when_idle(); });
              });
}

void Room::lost(links::Room peer, ChannelEnd how) {
    if (how == ChannelEnd::malformed) {
        log::error("peer-malformed", {{"room", links::room_name(peer)}});
        parent_.send(links::Malformed{peer});
    }
    std::erase_if(clients_, [&](const auto& client) { return client->name() == peer; });
    stop_when_idle();
}

void Room::stop_when_idle() {
    const bool ending = draining_ || (orphan_ && clients_.empty());
    if (ending && pool_.pending() == 0) loop_.stop(0);
}

}  // namespace holdfast::users
