#include "smtpd/loop/ip_address.h"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace holdfast {

namespace {

constexpr std::size_t ipv4_size = 4;
constexpr std::string_view mapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view literal) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (literal.size() >= text.size() || literal.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    std::ranges::copy(literal, text.begin());
    std::array<char, 16> bytes{};
    if (inet_pton(AF_INET, text.data(), bytes.data()) == 1) {
        return of_bytes({bytes.data(), ipv4_size});
    }
    if (inet_pton(AF_INET6, text.data(), bytes.data()) == 1) {
        return of_bytes({bytes.data(), bytes.size()});
    }
    return std::nullopt;
}

std::optional<IpAddress> IpAddress::of_bytes(std::string_view bytes) {
    IpAddress result;
    if (bytes.size() == result.bytes_.size() && bytes.starts_with(mapped)) {
        bytes.remove_prefix(mapped.size());
    }
    if (bytes.size() != ipv4_size && bytes.size() != result.bytes_.size()) return std::nullopt;
    result.family_ = bytes.size() == ipv4_size ? Family::ipv4 : Family::ipv6;
    std::ranges::copy(bytes, result.bytes_.begin());
    return result;
}

std::string IpAddress::text() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = family_ == Family::ipv4 ? AF_INET : AF_INET6;
    return inet_ntop(family, bytes_.data(), text.data(), text.size()) == nullptr ? "?"
                                                                                 : text.data();
}

std::string IpAddress::with_port(std::uint16_t port) const {
    const std::string number = ":" + std::to_string(port);
    return family_ == Family::ipv4 ? text() + number : "[" + text() + "]" + number;
}

SocketName::SocketName(const IpAddress& address, std::uint16_t port) {
    if (address.family() == IpAddress::Family::ipv4) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(port);
        std::memcpy(&in.sin_addr, address.bytes_.data(), sizeof in.sin_addr);
        std::memcpy(&storage, &in, length = sizeof in);
    } else {
        sockaddr_in6 in6{};
        in6.sin6_family = AF_INET6;
        in6.sin6_port = htons(port);
        std::memcpy(&in6.sin6_addr, address.bytes_.data(), sizeof in6.sin6_addr);
        std::memcpy(&storage, &in6, length = sizeof in6);
    }
}

}  // namespace holdfast
