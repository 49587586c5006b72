// The URL of a server that takes mail: smtps://smtp.example.com, with a port where it is not the
// usual one. It says how the connection begins; who logs in stands behind it. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "smtpd/config/lexer.h"
#include "smtpd/links/snapshots.h"

namespace holdfast::config {

struct ServerUrl {
    std::string scheme;  // "smtps"
    links::RelayProtocol protocol = links::RelayProtocol::smtp;
    std::string host;  // a name in lower case, or a literal address without brackets
    std::uint16_t port = 0;
    bool has_port = false;  // it was written

    // "smtps://smtp.example.com", with the port where it was written.
    std::string text() const;
    // Always with the port.
    std::string full_text() const;
    bool implicit_tls() const { return scheme == "smtps"; }
    // Of smtps:// and submission://, whoever logs in.
    bool requires_tls() const { return implicit_tls() || scheme == "submission"; }
};

// Faults never quote what could be a password.
std::expected<ServerUrl, Fault> parse_server_url(const Word& word);

// Whether a word was meant as a URL, be it a right one or not: no name looks like it.
bool looks_like_url(std::string_view text);

// Whether what is sent to this host stays on the machine.
bool is_loopback(std::string_view host);

}  // namespace holdfast::config
