#include "smtpd/dns/resolv_conf.h"

#include <algorithm>
#include <optional>

#include "smtpd/dns/words.h"
#include "smtpd/loop/ip_address.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::dns {

namespace {

constexpr std::size_t max_zone = 15;  // IFNAMSIZ - 1

bool is_zone(std::string_view text) {
    return !text.empty() && text.size() <= max_zone && std::ranges::all_of(text, [](char c) {
        return ascii::is_alphanumeric(c) || c == '.' || c == '-' || c == '_';
    });
}

// 0.0.0.0 works as the name server of this machine with the C library, but its answers come from
// another address than was asked.
std::string as_asked(const IpAddress& address) {
    if (!address.is_unspecified()) return address.text();
    return address.family() == IpAddress::Family::ipv4 ? "127.0.0.1" : "::1";
}

std::optional<std::string> name_server_of(std::string_view word) {
    const std::size_t percent = word.find('%');
    const auto address = IpAddress::parse(word.substr(0, percent));
    if (!address) return std::nullopt;
    if (percent == std::string_view::npos) return as_asked(*address);
    const std::string_view zone = word.substr(percent + 1);
    const bool may_have_zone =
        address->family() == IpAddress::Family::ipv6 && !address->is_unspecified();
    if (!may_have_zone || !is_zone(zone)) return std::nullopt;
    return address->text().append("%").append(zone);
}

void take_name_server(ResolvConf& result, std::string_view rest) {
    if (result.name_servers.size() == max_name_servers) return;
    auto server = name_server_of(take_word(rest));
    if (server) result.name_servers.push_back(std::move(*server));
}

void take_options(ResolvConf& result, std::string_view rest) {
    for (auto word = take_word(rest); !word.empty(); word = take_word(rest)) {
        if (word == "use-vc") result.transport = ResolvConf::Transport::tcp;
    }
}

}  // namespace

ResolvConf parse_resolv_conf(std::string_view text) {
    ResolvConf result;
    while (!text.empty()) {
        std::string_view rest = take_line(text);
        // A keyword stands at the very beginning of its line.
        if (!rest.starts_with("nameserver") && !rest.starts_with("options")) continue;
        const std::string_view keyword = take_word(rest);
        if (keyword == "nameserver") take_name_server(result, rest);
        if (keyword == "options") take_options(result, rest);
    }
    if (result.name_servers.empty()) result.name_servers = {"127.0.0.1", "::1"};
    return result;
}

}  // namespace holdfast::dns
