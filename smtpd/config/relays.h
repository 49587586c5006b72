// The servers that take mail from this machine: relay statements, and URLs behind `via`. Pure.
#pragma once

#include <optional>
#include <string>

#include "smtpd/config/reading.h"
#include "smtpd/config/settings.h"

namespace holdfast::config {

// Behind the word `relay`.
void read_relay(Reading& words, Settings& settings);

// A URL that has been taken, and its options behind it: a relay whose name is the URL, which is
// returned. One and the same server may stand behind `via` in many lines, with the same options.
// Nothing after an error.
std::optional<Placed> read_unnamed_relay(Reading& words, const Word& url, Settings& settings);

// "smtps://smtp.example.com:465, TLS required, certificate verified (default of smtps://), login
// me@example.com with the secret of /etc/holdfast/secret"
std::string describe(const Relay& relay);

}  // namespace holdfast::config
