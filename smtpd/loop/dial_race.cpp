#include "smtpd/loop/dial_race.h"

#include <algorithm>
#include <utility>

namespace holdfast {

std::vector<IpAddress> interleaved(const std::vector<IpAddress>& addresses) {
    std::vector<IpAddress> ipv6;
    std::vector<IpAddress> ipv4;
    for (const IpAddress& address : addresses) {
        auto& family = address.family() == IpAddress::Family::ipv6 ? ipv6 : ipv4;
        if (std::ranges::find(family, address) == family.end()) family.push_back(address);
    }
    std::vector<IpAddress> result;
    for (std::size_t i = 0; i < std::max(ipv6.size(), ipv4.size()); ++i) {
        if (i < ipv6.size()) result.push_back(ipv6[i]);
        if (i < ipv4.size()) result.push_back(ipv4[i]);
    }
    return result;
}

DialRace::DialRace(const std::vector<IpAddress>& addresses, MonoTime now, Duration limit)
    : order_(interleaved(addresses)), deadline_(now + limit), next_at_(now) {
    if (order_.size() > max_addresses) order_.resize(max_addresses);
    attempts_.resize(order_.size());
}

std::optional<std::size_t> DialRace::first_waiting() const {
    const auto found = std::ranges::find(attempts_, State::waiting, &Attempt::state);
    if (found == attempts_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - attempts_.begin());
}

std::optional<std::size_t> DialRace::next(MonoTime now) {
    if (now < next_at_ || now >= deadline_) return std::nullopt;
    const auto place = first_waiting();
    if (!place) return std::nullopt;
    attempts_[*place].state = State::trying;
    next_at_ = now + head_start;
    return place;
}

void DialRace::failed(std::size_t place, DialFailure failure, MonoTime now) {
    attempts_[place] = {State::failed, std::move(failure)};
    next_at_ = std::min(next_at_, now);
}

void DialRace::starved(std::size_t place, std::string why, MonoTime now) {
    attempts_[place] = {State::waiting, {DialFailure::Blame::ours, std::move(why)}};
    next_at_ = now + rest;
}

void DialRace::family_failed(std::size_t place, DialFailure failure, MonoTime now) {
    for (std::size_t i = 0; i < order_.size(); ++i) {
        const bool waits = attempts_[i].state == State::waiting;
        if (waits && order_[i].family() == order_[place].family()) {
            attempts_[i].state = State::left_out;
        }
    }
    failed(place, std::move(failure), now);
}

bool DialRace::all_failed() const {
    return std::ranges::all_of(attempts_, [](const Attempt& attempt) {
        return attempt.state == State::failed || attempt.state == State::left_out;
    });
}

MonoTime DialRace::wake() const {
    return first_waiting() ? std::min(next_at_, deadline_) : deadline_;
}

bool DialRace::lost(MonoTime now) const {
    return all_failed() || now >= deadline_;
}

DialFailure DialRace::account(std::uint16_t port) const {
    DialFailure all{DialFailure::Blame::ours, {}};
    for (std::size_t i = 0; i < order_.size(); ++i) {
        const auto& [state, failure] = attempts_[i];
        const bool untried = state == State::waiting && failure.why.empty();
        if (untried || state == State::left_out) continue;
        if (failure.blame == DialFailure::Blame::theirs) all.blame = DialFailure::Blame::theirs;
        if (!all.why.empty()) all.why += "; ";
        all.why += order_[i].with_port(port) + ": ";
        all.why += failure.why.empty() ? "no answer" : failure.why;
    }
    if (!all.why.empty()) return all;
    return {DialFailure::Blame::theirs,
            order_.empty() ? "there is no address to connect to" : "there was no time to connect"};
}

}  // namespace holdfast
