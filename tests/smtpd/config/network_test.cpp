#include "smtpd/config/network.h"

#include "tests/catch.h"

using namespace holdfast::config;

namespace {

std::expected<std::string, Fault> parse(std::string text) {
    const auto length = static_cast<std::uint32_t>(text.size());
    return parse_network({std::move(text), 8, length});
}

std::string good(std::string text) {
    const auto network = parse(std::move(text));
    REQUIRE(network);
    return *network;
}

std::string bad(std::string text) {
    const auto network = parse(std::move(text));
    REQUIRE_FALSE(network);
    const Fault& fault = network.error();
    return std::to_string(fault.column) + "+" + std::to_string(fault.length) + " " + fault.message +
           (fault.suggestion.empty() ? "" : " -> " + fault.suggestion);
}

}  // namespace

TEST_CASE("a network is written in one way, a single address is a network of one") {
    CHECK(good("10.0.0.0/24") == "10.0.0.0/24");
    CHECK(good("10.0.0.5") == "10.0.0.5/32");
    CHECK(good("128.0.0.0/1") == "128.0.0.0/1");
    CHECK(good("10.1.2.3/32") == "10.1.2.3/32");
    CHECK(good("2001:DB8:0::/32") == "2001:db8::/32");
    CHECK(good("fe80::/10") == "fe80::/10");
    CHECK(good("::1") == "::1/128");
    CHECK(good("2001:db8::8/125") == "2001:db8::8/125");
}

TEST_CASE("a network that would relay for everybody is refused") {
    CHECK(bad("0.0.0.0/0") == "8+9 relays for everybody: anyone could send through this machine");
    CHECK(bad("::/0") == "8+4 relays for everybody: anyone could send through this machine");
    CHECK(bad("10.0.0.0/0").find("relays for everybody") != std::string::npos);
    CHECK(bad("10.0.0.0/00").find("relays for everybody") != std::string::npos);
}

TEST_CASE("bits behind the length of a network are refused with the network itself") {
    CHECK(bad("10.0.0.1/24") == "8+11 address bits are set behind the first 24 -> 10.0.0.0/24");
    CHECK(bad("10.0.0.1/31") == "8+11 address bits are set behind the first 31 -> 10.0.0.0/31");
    CHECK(bad("192.168.255.0/20").ends_with(" -> 192.168.240.0/20"));
    CHECK(bad("2001:db8::1/64").ends_with(" -> 2001:db8::/64"));
    CHECK(bad("2001:db8:ffff::/33").ends_with(" -> 2001:db8:8000::/33"));
}

TEST_CASE("what is no network is refused at the bytes that are wrong") {
    CHECK(bad("") == "8+0 unknown address \"\"");
    CHECK(bad("localhost") == "8+9 unknown address \"localhost\"");
    CHECK(bad("10.0.0/24") == "8+6 unknown address \"10.0.0\"");
    CHECK(bad("10.0.0.256") == "8+10 unknown address \"10.0.0.256\"");
    CHECK(bad("[2001:db8::]/32") == "8+12 unknown address \"[2001:db8::]\" -> 2001:db8::");
    CHECK(bad("fe80::1%eth0") == "8+12 unknown address \"fe80::1%eth0\"");
    CHECK(bad("::ffff:10.0.0.0/120") == "8+15 IPv4 address in an IPv6 form");
    CHECK(bad("10.0.0.0/33") == "17+2 \"33\" is not the length of a network");
    CHECK(bad("10.0.0.0/") == "17+0 \"\" is not the length of a network");
    CHECK(bad("10.0.0.0/-1") == "17+2 \"-1\" is not the length of a network");
    CHECK(bad("10.0.0.0/24/8") == "17+4 \"24/8\" is not the length of a network");
    CHECK(bad("::/129") == "11+3 \"129\" is not the length of a network");
    CHECK(bad("10.0.0.7/255.255.255.0") ==
          "17+13 \"255.255.255.0\" is not the length of a network -> 10.0.0.0/24");
    CHECK(bad("10.0.0.0/255.0.255.0") == "17+11 \"255.0.255.0\" is not the length of a network");
    CHECK(bad("10.0.0.0/0.0.0.0") == "17+7 \"0.0.0.0\" is not the length of a network");
}
