#include "smtpd/loop/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "tests/catch.h"

using namespace holdfast;
using Family = IpAddress::Family;

TEST_CASE("a literal address has a family and one spelling") {
    const auto four = IpAddress::parse("192.0.2.1");
    REQUIRE(four);
    CHECK(four->family() == Family::ipv4);
    CHECK(four->text() == "192.0.2.1");
    CHECK(four->with_port(25) == "192.0.2.1:25");
    const auto six = IpAddress::parse("2001:DB8:0:0::0001");
    REQUIRE(six);
    CHECK(six->family() == Family::ipv6);
    CHECK(six->text() == "2001:db8::1");
    CHECK(six->with_port(465) == "[2001:db8::1]:465");
    CHECK(*six == IpAddress::parse("2001:db8::1"));
    CHECK(*six != *four);
}

TEST_CASE("what is no literal address is none") {
    for (const std::string& text :
         {std::string(), std::string("192.0.2"), std::string("192.0.2.256"),
          std::string("192.0.2.1 "), std::string(" 192.0.2.1"), std::string("192.0.2.1\0", 10),
          std::string("[2001:db8::1]"), std::string("fe80::1%eth0"), std::string("2001:db8::g"),
          std::string("0x7f000001"), std::string("mail.example"), std::string(1000, '1')}) {
        INFO(text);
        CHECK_FALSE(IpAddress::parse(text));
    }
}

TEST_CASE("an address is read from the bytes of a record") {
    CHECK(IpAddress::of_bytes("\xc0\x01\x02\x03")->text() == "192.1.2.3");
    CHECK(IpAddress::of_bytes(std::string(15, '\0') + '\1')->text() == "::1");
    for (const std::size_t size : {0U, 3U, 5U, 15U, 17U}) {
        CHECK_FALSE(IpAddress::of_bytes(std::string(size, 'x')));
    }
}

TEST_CASE("an IPv4 address in the clothes of IPv6 is the IPv4 address") {
    CHECK(IpAddress::parse("::ffff:192.0.2.1") == IpAddress::parse("192.0.2.1"));
    CHECK(IpAddress::parse("::192.0.2.1")->family() == Family::ipv6);
}

TEST_CASE("the unspecified address of either family is told") {
    CHECK(IpAddress::parse("0.0.0.0")->is_unspecified());
    CHECK(IpAddress::parse("::")->is_unspecified());
    CHECK_FALSE(IpAddress::parse("0.0.0.1")->is_unspecified());
    CHECK_FALSE(IpAddress::parse("::1")->is_unspecified());
}

TEST_CASE("socket calls get an address and its port in network order") {
    const SocketName four(*IpAddress::parse("192.0.2.1"), 0x1234);
    CHECK(four.domain() == AF_INET);
    CHECK(four.length == sizeof(sockaddr_in));
    const auto* const in = reinterpret_cast<const sockaddr_in*>(four.get());
    CHECK(in->sin_port == htons(0x1234));
    CHECK(in->sin_addr.s_addr == inet_addr("192.0.2.1"));
    const SocketName six(*IpAddress::parse("2001:db8::1"), 25);
    CHECK(six.domain() == AF_INET6);
    CHECK(six.length == sizeof(sockaddr_in6));
    const auto* const in6 = reinterpret_cast<const sockaddr_in6*>(six.get());
    CHECK(in6->sin6_port == htons(25));
    CHECK(in6->sin6_addr.s6_addr[0] == 0x20);
    CHECK(in6->sin6_addr.s6_addr[15] == 1);
}
