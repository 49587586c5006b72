// The words behind the URL of a server: who logs in there, how TLS is used, from which address.
// In any order, each once.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "smtpd/config/reading.h"
#include "smtpd/config/settings.h"
#include "smtpd/config/url.h"

namespace holdfast::config {

struct RelayOption {
    std::string_view name;
    std::string_view syntax;  // whole, as in smtpd.conf(5)
};

// Sorted by name.
std::span<const RelayOption> relay_options();

// Reads the rest of the line into `relay`, which is about the server of `url`; without one, which
// has been reported, only the words themselves are checked.
Relay read_relay_options(Reading& words, Relay relay, const std::optional<ServerUrl>& url);

}  // namespace holdfast::config
