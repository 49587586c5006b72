#include "smtpd/dns/lookup.h"

#include <algorithm>
#include <utility>

#include "smtpd/base/quote.h"
#include "smtpd/loop/loop.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::dns {

namespace {

// So long the other family is waited for once one has addresses: there are servers of domains that
// answer questions for one type only.
constexpr Duration second_family_limit = std::chrono::seconds(2);

// RFC 1035 section 2.3.4, without the dot at the end.
constexpr std::size_t max_name = 253;
constexpr std::size_t max_label = 63;

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= max_label && std::ranges::all_of(label, [](char c) {
        return ascii::is_alphanumeric(c) || c == '-' || c == '_';
    });
}

bool is_host_name(std::string_view name) {
    if (name.size() > max_name) return false;
    while (true) {
        const std::size_t dot = name.find('.');
        if (!is_label(name.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        name.remove_prefix(dot + 1);
    }
}

std::string without_dot(std::string host) {
    if (host.ends_with('.')) host.pop_back();
    return host;
}

void append_addresses(std::vector<IpAddress>& addresses, const Answer& answer) {
    for (const std::string& record : answer.records) {
        if (const auto address = IpAddress::of_bytes(record)) addresses.push_back(*address);
    }
}

std::string reason(const HostAddresses& result, const Answer& ipv6, const Answer& ipv4) {
    switch (result.meaning) {
        case Meaning::found:
            return {};
        case Meaning::no_such_name:
            return "no such host (NXDOMAIN)";
        case Meaning::no_data:
            return "the name has no address";
        case Meaning::unavailable:
            break;
    }
    const Answer& failed = ipv4.meaning == Meaning::unavailable ? ipv4 : ipv6;
    return "cannot be resolved now: " + harmless(failed.why);
}

Meaning common_meaning(Meaning ipv6, Meaning ipv4) {
    if (ipv6 == Meaning::unavailable || ipv4 == Meaning::unavailable) return Meaning::unavailable;
    return ipv6 == ipv4 ? ipv6 : Meaning::no_data;
}

}  // namespace

HostAddresses combined(const std::string& host, const Answer& ipv6, const Answer& ipv4) {
    HostAddresses result;
    append_addresses(result.addresses, ipv6);
    append_addresses(result.addresses, ipv4);
    result.meaning =
        result.addresses.empty() ? common_meaning(ipv6.meaning, ipv4.meaning) : Meaning::found;
    if (result.meaning != Meaning::found) {
        result.why = escaped(host) + ": " + reason(result, ipv6, ipv4);
    }
    return result;
}

Lookup::Lookup(Resolver& resolver, std::string host, std::function<void(HostAddresses)> callback,
               Duration limit)
    : loop_(resolver.loop()),
      host_(without_dot(std::move(host))),
      callback_(std::move(callback)),
      limit_(limit),
      deadline_(loop_.now() + limit),
      timer_(loop_, [this] { on_deadline(); }) {
    if (auto result = known(resolver)) {
        loop_.after_turn(life_.guard(
            [this, result = std::move(*result)]() mutable { finish(std::move(result)); }));
        return;
    }
    timer_.set(limit);
    ipv6_query_.emplace(loop_, resolver.servers(), Question{host_, RecordType::aaaa},
                        [this](Answer answer) { on_answer(ipv6_, std::move(answer)); });
    ipv4_query_.emplace(loop_, resolver.servers(), Question{host_, RecordType::a},
                        [this](Answer answer) { on_answer(ipv4_, std::move(answer)); });
}

// What needs no name server.
std::optional<HostAddresses> Lookup::known(const Resolver& resolver) const {
    if (const auto literal = IpAddress::parse(host_)) {
        return HostAddresses{Meaning::found, {*literal}, {}};
    }
    const auto listed = resolver.hosts().find(host_);
    if (!listed.empty()) {
        return HostAddresses{Meaning::found, {listed.begin(), listed.end()}, {}};
    }
    if (is_host_name(host_)) return std::nullopt;
    return HostAddresses{Meaning::no_such_name, {}, escaped(host_) + ": not the name of a host"};
}

void Lookup::on_answer(std::optional<Answer>& place, Answer answer) {
    place = std::move(answer);
    if (ipv6_ && ipv4_) return finish(combined(host_, *ipv6_, *ipv4_));
    if (place->meaning != Meaning::found) return;
    timer_.set(std::min(second_family_limit, deadline_ - loop_.now()));
}

void Lookup::on_deadline() {
    const std::string servers = (ipv4_ ? ipv6_query_ : ipv4_query_)->asked();
    const Answer silence{.why = "no answer within " + short_duration(limit_) + " from " + servers};
    finish(combined(host_, ipv6_.value_or(silence), ipv4_.value_or(silence)));
}

void Lookup::finish(HostAddresses result) {
    timer_.cancel();
    ipv6_query_.reset();
    ipv4_query_.reset();
    const auto callback = std::move(callback_);
    callback(std::move(result));
}

}  // namespace holdfast::dns
