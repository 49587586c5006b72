// Literal IP addresses, and the networks whose clients may send to other machines. Pure: no
// resolver is asked.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "smtpd/config/lexer.h"

namespace holdfast::config {

// The address in its usual spelling (inet_ntop), or nothing. `family`: AF_INET or AF_INET6.
std::optional<std::string> canonical_ip(int family, std::string_view text);

// ADDRESS/LENGTH or a single address, as links::RelayRight has it: "10.0.0.0/24", "::1/128". A
// network of every address is refused, and so are bits behind its length: it is not what is meant.
std::expected<std::string, Fault> parse_network(const Word& word);

}  // namespace holdfast::config
