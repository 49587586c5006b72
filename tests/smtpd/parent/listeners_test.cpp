#include "smtpd/parent/listeners.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/catch.h"

using namespace holdfast;

namespace {

links::ListenPlan plan(std::uint16_t port) {
    links::ListenPlan result;
    result.address = "127.0.0.1";
    result.port = port;
    result.text = "127.0.0.1:" + std::to_string(port);
    result.place = "smtpd.conf:3";
    return result;
}

std::uint16_t port_of(int fd) {
    sockaddr_in address{};
    socklen_t length = sizeof address;
    REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    return ntohs(address.sin_port);
}

}  // namespace

TEST_CASE("what the plan names is listened on, non-blocking") {
    const auto bound = bind_listeners({plan(0), plan(0)});
    REQUIRE(bound);
    REQUIRE(bound->size() == 2);
    for (const BoundListener& listener : *bound) {
        int listening = 0;
        socklen_t length = sizeof listening;
        REQUIRE(getsockopt(listener.socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) ==
                0);
        CHECK(listening == 1);
        CHECK(accept(listener.socket.get(), nullptr, nullptr) < 0);
        CHECK(errno == EAGAIN);
    }
}

TEST_CASE("F03 an address in use is an error that names the line, the address and the remedy") {
    const auto first = bind_listeners({plan(0)});
    REQUIRE(first);
    const std::uint16_t port = port_of(first->front().socket.get());
    const auto second = bind_listeners({plan(port)});
    REQUIRE_FALSE(second);
    CHECK(second.error().text() ==
          "smtpd.conf:3: cannot listen on 127.0.0.1:" + std::to_string(port) +
              " (another program listens there: see `ss -ltnp`): Address already in use");
}

TEST_CASE("an address that the machine lacks is passed over where smtpd.conf allows it") {
    links::ListenPlan absent = plan(0);
    absent.address = "192.0.2.1";
    const auto required = bind_listeners({plan(0), absent});
    REQUIRE_FALSE(required);
    absent.if_available = true;
    const auto optional = bind_listeners({plan(0), absent});
    REQUIRE(optional);
    CHECK(optional->size() == 1);
    CHECK_FALSE(bind_listeners({absent}));  // but not when nothing would be left
}
