#include "smtpd/smtpin/networks.h"

#include <cstring>

#include <arpa/inet.h>

#include "tests/catch.h"

using namespace holdfast::smtpin;

namespace {

ClientAddress client(const char* text) {
    sockaddr_storage storage{};
    sockaddr_in in{};
    sockaddr_in6 in6{};
    if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
        in.sin_family = AF_INET;
        std::memcpy(&storage, &in, sizeof in);
    } else {
        REQUIRE(inet_pton(AF_INET6, text, &in6.sin6_addr) == 1);
        in6.sin6_family = AF_INET6;
        std::memcpy(&storage, &in6, sizeof in6);
    }
    return *ClientAddress::of(storage);
}

}  // namespace

TEST_CASE("a client may relay from the networks of its listener and from this machine") {
    const Networks networks(
        {"10.0.0.0/24", "192.0.2.128/25", "2001:db8:1::/48", "2001:db8::9/128"});
    for (const char* may : {"10.0.0.1", "10.0.0.255", "::ffff:10.0.0.7", "192.0.2.129", "127.0.0.1",
                            "::1", "2001:db8:1:2::3", "2001:db8::9"}) {
        CAPTURE(may);
        CHECK(networks.hold(client(may)));
    }
    for (const char* may_not : {"10.0.1.1", "192.0.2.127", "2001:db8:2::1", "2001:db8::8",
                                "::10.0.0.1", "198.51.100.1"}) {
        CAPTURE(may_not);
        CHECK_FALSE(networks.hold(client(may_not)));
    }
}

TEST_CASE("what is no network gives nobody a right") {
    for (const char* text : {"", "/", "10.0.0.0", "10.0.0.0/0", "10.0.0.0/33", "::/0", "::/129",
                             "10.0.0.0/-1", "10.0.0.0/8x", "x/8"}) {
        CAPTURE(text);
        CHECK_FALSE(Networks({text}).hold(client("10.0.0.1")));
    }
}
