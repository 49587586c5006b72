#include "smtpd/smtpin/limits.h"

#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "tests/catch.h"

namespace holdfast::smtpin {
namespace {

ClientAddress address(const std::string& text) {
    sockaddr_storage storage{};
    if (text.find(':') == std::string::npos) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_port = htons(4711);
        REQUIRE(inet_pton(AF_INET, text.c_str(), &in.sin_addr) == 1);
        std::memcpy(&storage, &in, sizeof in);
    } else {
        sockaddr_in6 in6{};
        in6.sin6_family = AF_INET6;
        in6.sin6_port = htons(4711);
        REQUIRE(inet_pton(AF_INET6, text.c_str(), &in6.sin6_addr) == 1);
        std::memcpy(&storage, &in6, sizeof in6);
    }
    return *ClientAddress::of(storage);
}

TEST_CASE("a client's address is written as an address literal") {
    CHECK(address("192.0.2.1").literal() == "[192.0.2.1]");
    CHECK(address("192.0.2.1").with_port() == "[192.0.2.1]:4711");
    CHECK(address("2001:db8::1").literal() == "[IPv6:2001:db8::1]");
    CHECK(address("::ffff:192.0.2.1").literal() == "[192.0.2.1]");
    sockaddr_storage other{};
    other.ss_family = AF_UNIX;
    CHECK_FALSE(ClientAddress::of(other));
}

TEST_CASE("limits count an IPv4 address and an IPv6 network of 64 bits as one client") {
    CHECK(address("192.0.2.1").key() == address("::ffff:192.0.2.1").key());
    CHECK(address("192.0.2.1").key() != address("192.0.2.2").key());
    CHECK(address("2001:db8:1:2::1").key() == address("2001:db8:1:2:ffff::").key());
    CHECK(address("2001:db8:1:2::1").key() != address("2001:db8:1:3::1").key());
    CHECK(address("0.0.0.0").key() != address("::").key());
}

TEST_CASE("programs of this machine are limited in all only") {
    SessionCounter counter(3, 1);
    for (const char* local : {"127.0.0.1", "127.8.8.8", "::1"}) {
        CHECK(counter.enter(address(local).key()) == Admission::admitted);
    }
    CHECK(counter.enter(address("::ffff:127.0.0.1").key()) == Admission::too_many);
}

TEST_CASE("sessions are limited by client and in all, and a place that is left is free again") {
    SessionCounter counter(3, 2);
    const ClientKey a = address("192.0.2.1").key();
    const ClientKey b = address("192.0.2.2").key();
    CHECK(counter.enter(a) == Admission::admitted);
    CHECK(counter.enter(a) == Admission::admitted);
    CHECK(counter.enter(a) == Admission::too_many_from_client);
    CHECK(counter.enter(b) == Admission::admitted);
    CHECK(counter.enter(b) == Admission::too_many);
    counter.leave(a);
    CHECK(counter.enter(b) == Admission::admitted);
    counter.leave(a);
    counter.leave(b);
    counter.leave(b);
    for (int i = 0; i < 2; ++i) CHECK(counter.enter(a) == Admission::admitted);
}

TEST_CASE("F23 a room that may not have descriptors for all its sessions makes do with fewer") {
    CHECK(affordable_sessions(500, 1024) == 500);
    CHECK(affordable_sessions(500, 64) == 64 - reserved_descriptors);
    CHECK(affordable_sessions(10, 64) == 10);
    CHECK(affordable_sessions(10, 3) == 1);
}

}  // namespace
}  // namespace holdfast::smtpin
