#include "smtpd/config/network.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include <arpa/inet.h>

#include "smtpd/config/quantity.h"

namespace holdfast::config {

namespace {

constexpr std::string_view expected_form =
    "an IPv4 or IPv6 network or address, such as 10.0.0.0/24 or 2001:db8::/32";

// The bytes of an address in the order of the network.
struct Ip {
    int family = AF_INET;
    std::array<std::uint8_t, 16> bytes{};

    std::size_t bits() const { return family == AF_INET ? 32 : 128; }
};

std::optional<Ip> parse_ip(int family, std::string_view text) {
    if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    Ip ip{family, {}};
    if (inet_pton(family, std::string(text).c_str(), ip.bytes.data()) != 1) return std::nullopt;
    return ip;
}

std::optional<Ip> parse_ip(std::string_view text) {
    const auto ipv4 = parse_ip(AF_INET, text);
    return ipv4 ? ipv4 : parse_ip(AF_INET6, text);
}

std::string show(const Ip& ip) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(ip.family, ip.bytes.data(), text.data(), text.size());
    return text.data();
}

std::string show(const Ip& ip, std::size_t length) {
    return show(ip) + "/" + std::to_string(length);
}

// The network of this length that the address lies in.
Ip masked(Ip ip, std::size_t length) {
    for (std::size_t i = 0; i < ip.bytes.size(); ++i) {
        const std::size_t kept = length > 8 * i ? length - 8 * i : 0;
        if (kept < 8) ip.bytes.at(i) &= static_cast<std::uint8_t>(0xff00U >> kept);
    }
    return ip;
}

// "255.255.255.0": 24.
std::optional<std::size_t> netmask_length(std::string_view text) {
    const auto mask = parse_ip(AF_INET, text);
    if (!mask) return std::nullopt;
    std::size_t length = 0;
    for (const std::uint8_t byte : mask->bytes) {
        length += static_cast<std::size_t>(std::countl_one(byte));
    }
    const Ip whole = masked({AF_INET, {0xff, 0xff, 0xff, 0xff}}, length);
    return whole.bytes == mask->bytes ? std::optional(length) : std::nullopt;
}

// One word while it is read.
class NetworkReader {
  public:
    explicit NetworkReader(const Word& word) : word_(word), text_(word.text) {
        const std::size_t slash = text_.find('/');
        address_ = text_.substr(0, slash);
        if (slash != std::string_view::npos) length_ = text_.substr(slash + 1);
    }

    std::expected<std::string, Fault> read() const {
        const auto ip = parse_ip(address_);
        if (!ip) return unknown_address();
        if (show(*ip).starts_with("::ffff:")) {
            return fault(address_, "IPv4 address in an IPv6 form", "the IPv4 address itself");
        }
        if (!length_) return show(*ip, ip->bits());
        const auto length = parse_number(*length_);
        if (!length || *length > ip->bits()) return wrong_length(*ip);
        if (*length == 0) {
            return fault(text_, "relays for everybody: anyone could send through this machine",
                         "the networks of those who may");
        }
        const Ip network = masked(*ip, *length);
        if (network.bytes != ip->bytes) {
            return fault(text_, "address bits are set behind the first " + std::string(*length_),
                         "the first address of the network, or one address without /",
                         show(network, *length));
        }
        return show(network, *length);
    }

  private:
    std::unexpected<Fault> unknown_address() const {
        const bool bracketed = address_.starts_with('[') && address_.ends_with(']');
        const auto inner =
            bracketed ? parse_ip(AF_INET6, address_.substr(1, address_.size() - 2)) : std::nullopt;
        return fault(address_, "unknown address " + in_quotes(address_), std::string(expected_form),
                     inner ? show(*inner) : "");
    }

    std::unexpected<Fault> wrong_length(const Ip& ip) const {
        const auto meant = ip.family == AF_INET ? netmask_length(*length_) : std::nullopt;
        return fault(*length_, in_quotes(*length_) + " is not the length of a network",
                     "a number from 1 to " + std::to_string(ip.bits()),
                     meant && *meant != 0 ? show(masked(ip, *meant), *meant) : "");
    }

    std::unexpected<Fault> fault(std::string_view piece, std::string message, std::string expected,
                                 std::string suggestion = {}) const {
        return std::unexpected(fault_of(part_of(word_, piece), std::move(message),
                                        std::move(expected), std::move(suggestion)));
    }

    const Word& word_;
    std::string_view text_;
    std::string_view address_;
    std::optional<std::string_view> length_;
};

}  // namespace

std::optional<std::string> canonical_ip(int family, std::string_view text) {
    const auto ip = parse_ip(family, text);
    return ip ? std::optional(show(*ip)) : std::nullopt;
}

std::expected<std::string, Fault> parse_network(const Word& word) {
    return NetworkReader(word).read();
}

}  // namespace holdfast::config
