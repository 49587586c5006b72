#include "smtpd/config/endpoint.h"

#include <array>
#include <optional>

#include <arpa/inet.h>

#include "smtpd/config/diagnostic.h"
#include "smtpd/config/quantity.h"
#include "smtpd/config/suggest.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

constexpr std::string_view expected_address =
    "an IPv4 address, an IPv6 address in brackets, * or localhost";
constexpr std::string_view expected_form = "ADDRESS:PORT, such as localhost:25, *:25 or [::1]:25";

constexpr std::array<std::string_view, 1> address_words{"localhost"};

// The two halves of a word, as they stand in it.
struct Halves {
    std::string_view address;
    std::string_view port;
};

// The address in its usual spelling, or nothing.
std::optional<std::string> canonical(int family, std::string_view text) {
    in6_addr binary{};  // large enough for either family
    std::array<char, INET6_ADDRSTRLEN> spelled{};
    if (text.size() >= spelled.size() || text.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    if (inet_pton(family, std::string(text).c_str(), &binary) != 1) return std::nullopt;
    if (inet_ntop(family, &binary, spelled.data(), spelled.size()) == nullptr) return std::nullopt;
    return std::string(spelled.data());
}

std::unexpected<Fault> whole_word(const Word& word, std::string message, std::string suggestion) {
    return std::unexpected(Fault{word.column, word.length, std::move(message),
                                 std::string(expected_form), std::move(suggestion)});
}

// A part of the word, for the caret. Quoted words are underlined as a whole: an escape in them
// moves what follows it.
Fault part(const Word& word, std::string_view piece, std::string message) {
    Fault fault{word.column, word.length, std::move(message), {}};
    if (word.length != word.text.size()) return fault;
    fault.column += static_cast<std::uint32_t>(piece.data() - word.text.data());
    fault.length = static_cast<std::uint32_t>(piece.size());
    return fault;
}

std::expected<Halves, Fault> halves(const Word& word) {
    const std::string_view text = word.text;
    const std::size_t colon = text.rfind(':');
    if (canonical(AF_INET6, text)) {
        return whole_word(word, "IPv6 address without brackets", "[" + word.text + "]:25");
    }
    if (colon == std::string_view::npos || text.ends_with("]")) {
        return whole_word(word, "no port in " + in_quotes(text), word.text + ":25");
    }
    return Halves{text.substr(0, colon), text.substr(colon + 1)};
}

std::expected<std::uint16_t, Fault> parse_port(const Word& word, std::string_view text) {
    const auto port = parse_number(text);
    if (port && *port >= 1 && *port <= 65535) return static_cast<std::uint16_t>(*port);
    Fault fault = part(word, text, in_quotes(text) + " is not a port");
    fault.expected = "a number from 1 to 65535";
    return std::unexpected(std::move(fault));
}

Fault unknown_address(const Word& word, std::string_view text) {
    Fault fault = part(word, text, "unknown address " + in_quotes(text));
    fault.expected = expected_address;
    fault.suggestion = suggest(text, address_words);
    return fault;
}

std::expected<std::string, Fault> parse_ipv6(const Word& word, std::string_view text) {
    auto address = canonical(AF_INET6, text.substr(1, text.size() - 2));
    if (!address) return std::unexpected(unknown_address(word, text));
    if (!address->starts_with("::ffff:")) return std::move(*address);
    Fault fault = part(word, text, "IPv4 address in an IPv6 form");
    fault.expected = "the IPv4 address itself";
    fault.suggestion = address->substr(7);
    return std::unexpected(std::move(fault));
}

}  // namespace

bool Endpoint::covers(const Endpoint& other) const {
    return ipv6 == other.ipv6 && port == other.port && (is_wildcard() || address == other.address);
}

std::string Endpoint::text() const {
    return (ipv6 ? "[" + address + "]" : address) + ":" + std::to_string(port);
}

std::expected<std::vector<Endpoint>, Fault> parse_endpoints(const Word& word) {
    const auto parts = halves(word);
    if (!parts) return std::unexpected(parts.error());
    const auto port = parse_port(word, parts->port);
    const std::string_view text = parts->address;
    const auto both = [&](std::string_view ipv4, std::string_view ipv6) {
        return std::vector<Endpoint>{{false, std::string(ipv4), *port, true},
                                     {true, std::string(ipv6), *port, true}};
    };
    const bool in_brackets = text.size() >= 2 && text.front() == '[' && text.back() == ']';
    const auto ipv4 = canonical(AF_INET, text);
    const bool known = text == "*" || ascii::equal(text, "localhost") || ipv4 || in_brackets;

    if (!known) return std::unexpected(unknown_address(word, text));
    if (!port) return std::unexpected(port.error());
    if (text == "*") return both("0.0.0.0", "::");
    if (ipv4) return std::vector<Endpoint>{{false, *ipv4, *port, false}};
    if (!in_brackets) return both("127.0.0.1", "::1");
    auto ipv6 = parse_ipv6(word, text);
    if (!ipv6) return std::unexpected(std::move(ipv6.error()));
    return std::vector<Endpoint>{{true, std::move(*ipv6), *port, false}};
}

}  // namespace holdfast::config
