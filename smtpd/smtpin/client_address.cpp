#include "smtpd/smtpin/client_address.h"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace holdfast::smtpin {

namespace {

std::string text_of(int family, const void* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    return inet_ntop(family, address, text.data(), text.size()) == nullptr ? "?" : text.data();
}

// No /64 that a client can have begins with these bytes: fe00::/9 below fe80 is reserved.
ClientKey key_of(const in_addr& address) {
    if (ntohl(address.s_addr) >> 24 == IN_LOOPBACKNET) return this_machine;
    ClientKey key{0xfe, 0x04};
    std::memcpy(key.data() + 4, &address, sizeof address);
    return key;
}

ClientKey key_of(const in6_addr& address) {
    if (IN6_IS_ADDR_LOOPBACK(&address)) return this_machine;
    ClientKey key{};
    std::memcpy(key.data(), &address, key.size());
    return key;
}

}  // namespace

AddressBytes mapped(const in_addr& address) {
    AddressBytes bytes{};
    bytes[10] = bytes[11] = 0xff;
    std::memcpy(bytes.data() + 12, &address, sizeof address);
    return bytes;
}

std::optional<ClientAddress> ClientAddress::of(const sockaddr_storage& address) {
    ClientAddress result;
    in_addr v4{};
    if (address.ss_family == AF_INET) {
        sockaddr_in in{};
        std::memcpy(&in, &address, sizeof in);
        result.port_ = ntohs(in.sin_port);
        v4 = in.sin_addr;
    } else if (address.ss_family == AF_INET6) {
        sockaddr_in6 in6{};
        std::memcpy(&in6, &address, sizeof in6);
        result.port_ = ntohs(in6.sin6_port);
        if (!IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
            result.literal_ = "[IPv6:" + text_of(AF_INET6, &in6.sin6_addr) + "]";
            result.key_ = key_of(in6.sin6_addr);
            result.bytes_ = std::to_array(in6.sin6_addr.s6_addr);
            return result;
        }
        std::memcpy(&v4, in6.sin6_addr.s6_addr + 12, sizeof v4);
    } else {
        return std::nullopt;
    }
    result.literal_ = "[" + text_of(AF_INET, &v4) + "]";
    result.key_ = key_of(v4);
    result.bytes_ = mapped(v4);
    return result;
}

std::optional<ClientAddress> ClientAddress::of_peer(int socket) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    if (getpeername(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
        return std::nullopt;
    }
    return of(address);
}

}  // namespace holdfast::smtpin
