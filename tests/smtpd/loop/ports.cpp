#include "tests/smtpd/loop/ports.h"

#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include "smtpd/base/unique_fd.h"
#include "smtpd/loop/ip_address.h"
#include "tests/catch.h"

namespace holdfast {

namespace {

// Port 0: one that is free. Nothing where it is taken.
UniqueFd bound(const char* address, int type, std::uint16_t port) {
    const SocketName name(IpAddress::parse(address).value(), port);
    UniqueFd socket(::socket(name.domain(), type | SOCK_CLOEXEC, 0));
    if (socket && bind(socket.get(), name.get(), name.length) != 0) socket.reset();
    return socket;
}

bool is_free(std::uint16_t port) {
    for (const auto* const address : {"127.0.0.1", "127.0.0.2", "::1"}) {
        for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
            if (!bound(address, type, port)) return false;
        }
    }
    return true;
}

}  // namespace

std::uint16_t free_port() {
    for (int tries = 0; tries < 50; ++tries) {
        const std::uint16_t port = port_of(bound("127.0.0.1", SOCK_STREAM, 0).get());
        if (is_free(port)) return port;
    }
    FAIL("no port is free");
    return 0;
}

std::uint16_t port_of(int socket) {
    sockaddr_in6 name{};
    socklen_t length = sizeof name;
    REQUIRE(getsockname(socket, reinterpret_cast<sockaddr*>(&name), &length) == 0);
    return ntohs(name.sin6_port);  // IPv4 has it in the same place
}

}  // namespace holdfast
