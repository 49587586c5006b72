#include "smtpd/control/clients.h"

#include <algorithm>

#include "smtpd/base/log.h"

namespace holdfast::control {

namespace {

// A connection on which something went on this lately is at work.
constexpr Duration at_work = std::chrono::seconds(1);

constexpr Duration refusal_log_interval = std::chrono::seconds(10);

}  // namespace

Clients::Clients(House& house, Limits limits, std::function<void()> on_empty)
    : house_(house), limits_(limits), on_empty_(std::move(on_empty)) {}

void Clients::accept(UniqueFd socket) {
    const auto peer = local_peer(socket.get());
    if (!peer) {
        log::warning("client-refused", {{"reason", peer.error()}});
        return;
    }
    // Closed without an answer: sendmail tries again, and then leaves its mail in drop/.
    if (draining_ || !make_room_for(peer->uid)) return;
    refuse_descriptors(socket.get());
    const Number number = ++last_number_;
    ++shares_[peer->uid];
    clients_.emplace(number, std::make_unique<Client>(house_, std::move(socket), *peer,
                                                      [this, number] { remove(number); }));
}

bool Clients::make_room_for(std::uint32_t uid) {
    const std::size_t limit = limits_.clients + (uid == 0 ? limits_.reserved_for_root : 0);
    if (clients_.size() < limit) return true;
    const std::uint32_t heavy = heaviest();
    const auto own = shares_.find(uid);
    const bool heaviest_himself = own != shares_.end() && own->second + 1 > shares_[heavy];
    Client* victim = stalest(heaviest_himself ? uid : heavy);
    const bool working = house_.loop.now() - victim->last_progress() < at_work;
    if (heaviest_himself && working) {
        log_refusal(uid);
        return false;
    }
    log::warning("client-displaced", {{"uid", victim->uid()}, {"by-uid", uid}});
    victim->close();
    return true;
}

std::uint32_t Clients::heaviest() const {
    const auto most =
        std::ranges::max_element(shares_, {}, [](const auto& share) { return share.second; });
    return most->first;
}

Client* Clients::stalest(std::uint32_t uid) const {
    Client* result = nullptr;
    for (const auto& [number, client] : clients_) {
        if (client->uid() != uid) continue;
        const bool older = result == nullptr || client->last_progress() < result->last_progress();
        if (older) result = client.get();
    }
    return result;
}

void Clients::log_refusal(std::uint32_t uid) {
    const MonoTime now = house_.loop.now();
    if (now - last_refusal_ < refusal_log_interval) return;
    last_refusal_ = now;
    log::warning("client-refused", {{"uid", uid}, {"reason", "too many connections"}});
}

void Clients::remove(Number number) {
    const auto found = clients_.find(number);
    if (found == clients_.end()) return;
    const auto share = shares_.find(found->second->uid());
    if (--share->second == 0) shares_.erase(share);
    if (over_.empty()) house_.loop.after_turn([this] { bury(); });
    over_.push_back(std::move(found->second));
    clients_.erase(found);
}

void Clients::bury() {
    over_.clear();
    if (draining_ && clients_.empty()) on_empty_();
}

void Clients::drain() {
    draining_ = true;
    std::vector<Client*> all;
    for (const auto& [number, client] : clients_) all.push_back(client.get());
    for (Client* client : all) client->drain();
    if (clients_.empty() && over_.empty()) on_empty_();
}

}  // namespace holdfast::control
