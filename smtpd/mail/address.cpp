#include "smtpd/mail/address.h"

#include <algorithm>
#include <cstddef>

#include <arpa/inet.h>

#include "smtpd/mail/ascii.h"

namespace holdfast {

namespace {

constexpr std::size_t max_label = 63;  // RFC 1035 section 2.3.4

bool is_dot_string(std::string_view text) {
    if (text.empty() || text.front() == '.' || text.back() == '.') return false;
    if (text.find("..") != std::string_view::npos) return false;
    return std::ranges::all_of(text, [](char c) { return c == '.' || ascii::is_atext(c); });
}

// RFC 5321 section 4.1.2: qtextSMTP and quoted-pairSMTP, printable ASCII only.
bool is_quoted_string(std::string_view text) {
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') return false;
    const std::string_view inner = text.substr(1, text.size() - 2);
    for (std::size_t i = 0; i < inner.size(); ++i) {
        if (inner[i] == '"') return false;
        if (inner[i] == '\\') ++i;
        if (i == inner.size() || !ascii::is_printable(inner[i])) return false;
    }
    return true;
}

bool is_local_part(std::string_view text) {
    return text.size() <= Address::max_local_part &&
           (is_dot_string(text) || is_quoted_string(text));
}

// Underscores are no part of a host name, yet names that hold one exist and get mail.
bool is_label(std::string_view label) {
    if (label.empty() || label.size() > max_label) return false;
    if (label.front() == '-' || label.back() == '-') return false;
    return std::ranges::all_of(
        label, [](char c) { return ascii::is_alphanumeric(c) || c == '-' || c == '_'; });
}

bool is_ip_address(int family, std::string_view text) {
    in6_addr binary{};  // large enough for either family
    return text.size() < INET6_ADDRSTRLEN &&
           inet_pton(family, std::string(text).c_str(), &binary) == 1;
}

// "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 section 4.1.3); no other tag is registered.
bool is_address_literal(std::string_view text) {
    if (text.size() < 2 || text.front() != '[' || text.back() != ']') return false;
    std::string_view inner = text.substr(1, text.size() - 2);
    if (inner.find('\0') != std::string_view::npos) return false;
    constexpr std::string_view tag = "IPv6:";
    if (!ascii::equal(inner.substr(0, tag.size()), tag)) return is_ip_address(AF_INET, inner);
    inner.remove_prefix(tag.size());
    return is_ip_address(AF_INET6, inner);
}

// Where the local part ends: the first "@" that is not inside a quoted string.
std::size_t local_part_length(std::string_view text) {
    if (text.empty() || text.front() != '"') return std::min(text.find('@'), text.size());
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            return i + 1;
        }
    }
    return text.size();
}

}  // namespace

bool is_domain_name(std::string_view text) {
    // With the shortest local part it must still fit into an address.
    if (text.size() + 2 > Address::max_length) return false;
    while (true) {
        const std::size_t dot = text.find('.');
        if (!is_label(text.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        text.remove_prefix(dot + 1);
    }
}

std::optional<Address> Address::parse(std::string_view text) {
    if (text.size() > max_length) return std::nullopt;
    const std::size_t at = local_part_length(text);
    if (at == text.size() || text[at] != '@') return std::nullopt;
    const std::string_view domain = text.substr(at + 1);
    if (!is_local_part(text.substr(0, at))) return std::nullopt;
    if (!is_domain_name(domain) && !is_address_literal(domain)) return std::nullopt;
    Address address;
    address.local_part_ = text.substr(0, at);
    address.domain_ = domain;
    return address;
}

std::optional<Address> Address::parse_with_origin(std::string_view text, std::string_view origin) {
    if (local_part_length(text) != text.size()) return parse(text);
    return parse(std::string(text).append("@").append(origin));
}

std::string Address::mailbox_name() const {
    if (local_part_.front() != '"') return local_part_;
    std::string name;
    for (std::size_t i = 1; i + 1 < local_part_.size(); ++i) {
        if (local_part_[i] == '\\') ++i;
        name.push_back(local_part_[i]);
    }
    return name;
}

bool Address::same_as(const Address& other) const {
    return local_part_ == other.local_part_ && ascii::equal(domain_, other.domain_);
}

}  // namespace holdfast
