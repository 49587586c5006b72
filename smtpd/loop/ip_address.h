// An address of a machine, IPv4 or IPv6, as connecting and resolving need it: from text or from the
// bytes of a DNS record, to text or to what the socket calls take. Pure.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sys/socket.h>

namespace holdfast {

class IpAddress {
  public:
    enum class Family : std::uint8_t { ipv4, ipv6 };

    // "192.0.2.1", "2001:db8::1": no brackets, no zone, and nothing that inet_pton would not take.
    static std::optional<IpAddress> parse(std::string_view literal);

    // 4 or 16 bytes in network order. An IPv4-mapped IPv6 address is the IPv4 address.
    static std::optional<IpAddress> of_bytes(std::string_view bytes);

    Family family() const { return family_; }

    // 0.0.0.0 and ::, which a kernel takes for this machine.
    bool is_unspecified() const { return bytes_ == std::array<char, 16>{}; }

    // As inet_ntop writes it.
    std::string text() const;

    // "192.0.2.1:25", "[2001:db8::1]:25"
    std::string with_port(std::uint16_t port) const;

    auto operator<=>(const IpAddress&) const = default;

  private:
    Family family_ = Family::ipv4;
    std::array<char, 16> bytes_{};  // of an IPv4 address the first four
    friend struct SocketName;
};

// The same with a port, for connect() and bind().
struct SocketName {
    SocketName(const IpAddress& address, std::uint16_t port);

    int domain() const { return storage.ss_family; }  // AF_INET or AF_INET6
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }

    sockaddr_storage storage{};
    socklen_t length = 0;
};

}  // namespace holdfast
