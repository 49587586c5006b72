#include "smtpd/control/clients.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "smtpd/base/descriptors.h"
#include "smtpd/base/log.h"

namespace holdfast::control {

namespace {

// A connection on which something went on this lately is at work.
constexpr Duration at_work = std::chrono::seconds(1);

constexpr Duration check_interval = std::chrono::seconds(1);

}  // namespace

Clients::Clients(House& house, Limits limits, std::function<void()> on_empty)
    : house_(house),
      limits_(limits),
      on_empty_(std::move(on_empty)),
      check_(house.loop(), [this] { check_deadlines(); }) {}

void Clients::accept(UniqueFd socket) {
    const auto peer = local_peer(socket.get());
    if (!peer) log::warning_limited("client-refused", {{"reason", peer.error()}});
    // Closed without an answer: sendmail tries again, and then leaves its mail in drop/.
    if (!peer || draining_ || !make_room_for(peer->uid)) return turn_away(std::move(socket));
    clients_.push_back(
        std::make_unique<Client>(house_, std::move(socket), *peer, [this] { sweep_later(); }));
    if (!check_.pending()) check_.set(check_interval);
}

// It may have sent something already.
void Clients::turn_away(UniqueFd socket) {
    std::optional<HastyClose> haste;
    if (!refuses_descriptors(socket.get())) haste.emplace();
    socket.reset();
}

bool Clients::make_room_for(std::uint32_t uid) {
    std::map<std::uint32_t, std::size_t> shares;
    std::size_t open = 0;
    for (const auto& client : clients_) {
        if (client->closed()) continue;
        ++open;
        ++shares[client->uid()];
    }
    if (open < limits_.clients + (uid == 0 ? limits_.reserved_for_root : 0)) return true;
    ++shares[uid];
    const std::uint32_t heaviest =
        std::ranges::max_element(shares, {}, [](const auto& share) { return share.second; })->first;
    if (shares[uid] == 1 && heaviest == uid) return false;  // nobody has one to give up
    Client& victim = stalest(heaviest);
    if (heaviest == uid && house_.loop().now() - victim.last_progress() < at_work) {
        log::warning_limited("client-refused", {{"uid", uid}, {"reason", "too many connections"}});
        return false;
    }
    log::warning_limited("client-displaced", {{"uid", victim.uid()}, {"by-uid", uid}});
    victim.close();
    return true;
}

Client& Clients::stalest(std::uint32_t uid) const {
    Client* result = nullptr;
    for (const auto& client : clients_) {
        if (client->uid() != uid || client->closed()) continue;
        const bool older = result == nullptr || client->last_progress() < result->last_progress();
        if (older) result = client.get();
    }
    return *result;
}

void Clients::check_deadlines() {
    for (const auto& client : clients_) client->check_deadlines();
    if (!clients_.empty()) check_.set(check_interval);
}

void Clients::sweep_later() {
    if (std::exchange(sweeping_, true)) return;
    house_.loop().after_turn([this] {
        sweeping_ = false;
        std::erase_if(clients_, [](const auto& client) { return client->closed(); });
        if (draining_ && clients_.empty()) on_empty_();
    });
}

void Clients::drain() {
    draining_ = true;
    for (const auto& client : clients_) client->drain();
    if (clients_.empty()) on_empty_();
}

}  // namespace holdfast::control
