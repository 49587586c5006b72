#include "smtpd/config/leaving.h"

#include <algorithm>
#include <string_view>

namespace holdfast::config {

namespace {

constexpr std::string_view how_to_relay =
    "add one, such as: relay provider smtps://smtp.example.com user USER secret file:PATH";

std::string_view domain_of(std::string_view address) {
    return address.substr(address.rfind('@') + 1);
}

}  // namespace

void read_masquerade(Reading& words, Settings& settings) {
    settings.masquerade = words.domain("the domain");
}

void read_redirect(Reading& words, Settings& settings) {
    if (!words.require("all") || !words.require("to")) return;
    settings.redirect = words.address("the address");
}

void read_rewrite(Reading& words, Settings& settings) {
    if (words.require("from")) settings.rewrite_from = words.address("the address");
}

bool has_way_out(const Settings& settings) {
    return !settings.relays.empty() || !settings.routes.empty() ||
           settings.garbled.contains("relay") || settings.garbled.contains("route");
}

Diagnostics check_leaving(const Settings& settings) {
    Diagnostics diagnostics;
    if (has_way_out(settings)) return diagnostics;
    const auto warn = [&](std::string_view word, const Place& place) {
        diagnostics.warn(place, in_quotes(word) + " without a relay: no mail leaves this machine",
                         std::string(how_to_relay));
    };
    for (const Listen& listen : settings.listens) {
        if (!listen.networks.empty()) warn("from", listen.from);
    }
    if (settings.masquerade) warn("masquerade", settings.masquerade->place);
    if (settings.rewrite_from) warn("rewrite", settings.rewrite_from->place);
    return diagnostics;
}

Diagnostics check_redirect(const Settings& settings, std::span<const std::string> local_domains) {
    Diagnostics diagnostics;
    const auto& redirect = settings.redirect;
    if (!redirect || has_way_out(settings)) return diagnostics;
    if (std::ranges::binary_search(local_domains, domain_of(redirect->value), std::less<>())) {
        return diagnostics;
    }
    diagnostics.error(redirect->place,
                      in_quotes(redirect->value) + " is not on this machine, and there is no relay",
                      std::string(how_to_relay));
    return diagnostics;
}

}  // namespace holdfast::config
