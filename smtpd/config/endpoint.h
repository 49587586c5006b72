// The ADDRESS:PORT of a listen statement. Only what needs no resolver: a literal address, `*` for
// every address of this machine, `localhost` for its two loopback addresses. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/config/lexer.h"

namespace holdfast::config {

// One socket. IPv6 ones never take IPv4 connections (IPV6_V6ONLY), so `*` is two of them and a
// client's address always has the form of its own family.
struct Endpoint {
    bool ipv6 = false;
    std::string address;  // in the form that inet_ntop writes
    std::uint16_t port = 0;
    bool if_available = false;  // from `*` or `localhost`: the machine may lack the family

    bool is_wildcard() const { return address == (ipv6 ? "::" : "0.0.0.0"); }
    // Whether a socket bound here takes the connections that come to `other`.
    bool covers(const Endpoint& other) const;
    // "127.0.0.1:25" or "[::1]:25".
    std::string text() const;
};

// One endpoint, or both families' for `*` and `localhost`.
std::expected<std::vector<Endpoint>, Fault> parse_endpoints(const Word& word);

}  // namespace holdfast::config
