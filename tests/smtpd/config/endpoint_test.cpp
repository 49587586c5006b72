#include "smtpd/config/endpoint.h"

#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::config;

namespace {

std::expected<std::vector<links::ListenPlan>, Fault> parse(std::string text) {
    const auto length = static_cast<std::uint32_t>(text.size());
    return parse_endpoints({std::move(text), 8, length});
}

std::string good(std::string text) {
    const auto endpoints = parse(std::move(text));
    REQUIRE(endpoints);
    std::string all;
    for (const links::ListenPlan& endpoint : *endpoints) {
        all += (all.empty() ? "" : " ") + endpoint.text + (endpoint.if_available ? "?" : "");
    }
    return all;
}

std::string bad(std::string text) {
    const auto endpoints = parse(std::move(text));
    REQUIRE_FALSE(endpoints);
    const Fault& fault = endpoints.error();
    return std::to_string(fault.column) + "+" + std::to_string(fault.length) + " " + fault.message +
           (fault.suggestion.empty() ? "" : " -> " + fault.suggestion);
}

}  // namespace

TEST_CASE("an address and port become one socket, * and localhost one for each family") {
    CHECK(good("127.0.0.1:25") == "127.0.0.1:25");
    CHECK(good("[2001:DB8:0:0::1]:465") == "[2001:db8::1]:465");
    CHECK(good("[::]:25") == "[::]:25");
    CHECK(good("*:25") == "0.0.0.0:25? [::]:25?");
    CHECK(good("localhost:65535") == "127.0.0.1:65535? [::1]:65535?");
    CHECK(good("LocalHost:1") == "127.0.0.1:1? [::1]:1?");
}

TEST_CASE("what is no address and port is refused at the bytes that are wrong") {
    CHECK(bad("localhost") == "8+9 no port in \"localhost\" -> localhost:25");
    CHECK(bad("[::1]") == "8+5 no port in \"[::1]\" -> [::1]:25");
    CHECK(bad("*.25") == "8+4 no port in \"*.25\" -> *:25");
    CHECK(bad("127.0.0.1") == "8+9 no port in \"127.0.0.1\" -> 127.0.0.1:25");
    CHECK(bad("127.0.0.1.587") == "8+13 no port in \"127.0.0.1.587\" -> 127.0.0.1:587");
    CHECK(bad("locahost") == "8+8 no port in \"locahost\" -> localhost:25");
    CHECK(bad("eth0") == "8+4 no port in \"eth0\"");
    CHECK(bad("25") == "8+2 no address in \"25\"");
    CHECK(bad("::1") == "8+3 IPv6 address without brackets -> [::1]:25");
    CHECK(bad("*:0") == "10+1 \"0\" is not a port");
    CHECK(bad("*:65536") == "10+5 \"65536\" is not a port");
    CHECK(bad("*:") == "10+0 \"\" is not a port");
    CHECK(bad("*:smtp") == "10+4 \"smtp\" is not a port");
    CHECK(bad("localhots:25") == "8+9 unknown address \"localhots\" -> localhost");
    CHECK(bad("mail.example.org:25") == "8+16 unknown address \"mail.example.org\"");
    CHECK(bad("127.0.0.256:25") == "8+11 unknown address \"127.0.0.256\"");
    CHECK(bad("127.1:25") == "8+5 unknown address \"127.1\"");
    CHECK(bad(":25") == "8+0 unknown address \"\"");
    CHECK(bad("[fe80::1%eth0]:25") == "8+14 unknown address \"[fe80::1%eth0]\"");
    CHECK(bad("[::ffff:10.0.0.1]:25") == "8+17 IPv4 address in an IPv6 form -> 10.0.0.1");
}

TEST_CASE("a socket for all addresses covers the specific ones of its family and port") {
    const auto endpoint = [](std::string text) { return parse(std::move(text))->front(); };
    CHECK(covers(endpoint("0.0.0.0:25"), endpoint("10.0.0.1:25")));
    CHECK_FALSE(covers(endpoint("10.0.0.1:25"), endpoint("0.0.0.0:25")));
    CHECK_FALSE(covers(endpoint("0.0.0.0:25"), endpoint("10.0.0.1:26")));
    CHECK_FALSE(covers(endpoint("[::]:25"), endpoint("10.0.0.1:25")));
    CHECK(covers(endpoint("[::]:25"), endpoint("[::1]:25")));
    CHECK(covers(endpoint("[::1]:25"), endpoint("[0:0::1]:25")));
}
