// Where a client connects from, as the trace field, the queue and the limits each need it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <netinet/in.h>
#include <sys/socket.h>

namespace holdfast::smtpin {

// What limits count by: an IPv4 address, or the /64 of an IPv6 address, which is one customer's.
using ClientKey = std::array<std::uint8_t, 8>;

// The key of every loopback address: programs of this machine, which have no limit of their own.
inline constexpr ClientKey this_machine{0xfe, 0x05};

// An IPv6 address, or an IPv4 address in the form ::ffff:a.b.c.d.
using AddressBytes = std::array<std::uint8_t, 16>;
AddressBytes mapped(const in_addr& address);

class ClientAddress {
  public:
    // An IPv4-mapped IPv6 address is the IPv4 address. Nothing for other families.
    static std::optional<ClientAddress> of(const sockaddr_storage& address);

    // The far end of a connected socket; nothing where the client has gone already.
    static std::optional<ClientAddress> of_peer(int socket);

    // "[192.0.2.1]", "[IPv6:2001:db8::1]" (RFC 5321 section 4.1.3).
    const std::string& literal() const { return literal_; }
    // "[192.0.2.1]:4711"
    std::string with_port() const { return literal_ + ":" + std::to_string(port_); }
    const ClientKey& key() const { return key_; }
    const AddressBytes& bytes() const { return bytes_; }

  private:
    std::string literal_;
    std::uint16_t port_ = 0;
    ClientKey key_{};
    AddressBytes bytes_{};
};

struct ClientKeyHash {
    std::size_t operator()(const ClientKey& key) const noexcept {
        return std::hash<std::string_view>()(
            std::string_view(reinterpret_cast<const char*>(key.data()), key.size()));
    }
};

}  // namespace holdfast::smtpin
