#include "smtpd/config/url.h"

#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::config;

namespace {

std::expected<ServerUrl, Fault> parse(std::string text) {
    const auto length = static_cast<std::uint32_t>(text.size());
    return parse_server_url({std::move(text), 11, length});
}

std::string good(std::string text) {
    const auto url = parse(std::move(text));
    REQUIRE(url);
    const bool lmtp = url->protocol == links::RelayProtocol::lmtp;
    return url->text() + " " + url->host + " " + std::to_string(url->port) + (lmtp ? " lmtp" : "") +
           (url->implicit_tls()   ? " implicit"
            : url->requires_tls() ? " required"
                                  : "");
}

std::string bad(std::string text) {
    const auto url = parse(std::move(text));
    REQUIRE_FALSE(url);
    const Fault& fault = url.error();
    return std::to_string(fault.column) + "+" + std::to_string(fault.length) + " " + fault.message +
           (fault.suggestion.empty() ? "" : " -> " + fault.suggestion);
}

}  // namespace

TEST_CASE("a URL names protocol, host and port, each protocol with a port of its own") {
    CHECK(good("smtps://smtp.example.com") ==
          "smtps://smtp.example.com smtp.example.com 465 implicit");
    CHECK(good("submission://A.example") == "submission://a.example a.example 587 required");
    CHECK(good("SMTP://10.0.0.9") == "smtp://10.0.0.9 10.0.0.9 25");
    CHECK(good("lmtp://localhost") == "lmtp://localhost localhost 24 lmtp");
    CHECK(good("smtp://10.0.0.9:2525") == "smtp://10.0.0.9:2525 10.0.0.9 2525");
    CHECK(good("smtps://[2001:DB8::1]") == "smtps://[2001:db8::1] 2001:db8::1 465 implicit");
    CHECK(good("lmtp://[::1]:65535") == "lmtp://[::1]:65535 ::1 65535 lmtp");
    CHECK(parse("smtps://a.example")->full_text() == "smtps://a.example:465");
    CHECK(parse("lmtp://[::1]")->full_text() == "lmtp://[::1]:24");
}

TEST_CASE("an unknown protocol is named with the one that was meant") {
    CHECK(bad("smtsp://smtp.example.com") == "11+5 unknown protocol \"smtsp\" -> smtps://");
    CHECK(bad("imap://a.example") == "11+4 unknown protocol \"imap\"");
    CHECK(bad("://a.example") == "11+0 unknown protocol \"\"");
}

TEST_CASE("a URL without a protocol is refused with the one that goes with its port") {
    CHECK(bad("smtp.example.com") ==
          "11+16 no protocol in \"smtp.example.com\" -> smtps://smtp.example.com");
    CHECK(bad("smtp.example.com:587").ends_with(" -> submission://smtp.example.com"));
    CHECK(bad("smtp.example.com:25").ends_with(" -> smtp://smtp.example.com"));
    CHECK(bad("smtp.example.com:26").ends_with(" -> smtps://smtp.example.com:26"));
    CHECK(bad("smtp:a.example").ends_with(" -> smtp://a.example"));
    CHECK(bad("smtp:/a.example").ends_with(" -> smtp://a.example"));
    CHECK(bad("two words") == "11+9 no protocol in \"two words\"");
    CHECK(bad("") == "11+0 no protocol in \"\"");
}

TEST_CASE("user, path and query do not stand in a URL, and a password is never repeated") {
    CHECK(bad("smtps://me:hunter2@smtp.example.com:465") ==
          "19+10 the user does not stand in the URL -> smtps://smtp.example.com:465");
    CHECK(bad("smtps://me:hun@ter2@nowhere!") == "19+11 the user does not stand in the URL");
    CHECK(bad("me:hunter2@smtp.example.com") == "11+10 the user does not stand in the URL");
    CHECK(bad("smtps://a.example/in/box") == "28+7 a server has no path -> smtps://a.example");
    CHECK(bad("smtps://a.example/") == "28+1 a server has no path -> smtps://a.example");
    CHECK(bad("smtps://a.example:26?x") == "31+2 a server has no path -> smtps://a.example:26");
    CHECK(bad("smtps://!/x") == "20+2 a server has no path");
}

TEST_CASE("LMTP to a socket in the file system is told from LMTP over TCP") {
    for (const auto* text : {"lmtp:/run/dovecot/lmtp", "lmtp:///run/dovecot/lmtp"}) {
        INFO(text);
        const auto url = parse(text);
        REQUIRE_FALSE(url);
        CHECK(url.error().message == "LMTP to a socket in the file system");
        CHECK(url.error().expected == "lmtp://HOST or lmtp://HOST:PORT, which is LMTP over TCP");
    }
    CHECK(bad("lmtp:/run/lmtp").starts_with("16+9 "));
    CHECK(bad("lmtp:///run/lmtp").starts_with("18+9 "));
}

TEST_CASE("hosts and ports that are none are refused at their bytes") {
    CHECK(bad("smtps://") == "11+8 no host in \"smtps://\"");
    CHECK(bad("smtps://:25") == "19+0 \"\" is not a host");
    CHECK(bad("smtps://a.example:") == "29+0 \"\" is not a port");
    CHECK(bad("smtps://a.example:0") == "29+1 \"0\" is not a port");
    CHECK(bad("smtps://a.example:65536") == "29+5 \"65536\" is not a port");
    CHECK(bad("smtps://a.example:smtp") == "29+4 \"smtp\" is not a port");
    CHECK(bad("smtps://a_b!.example") == "19+12 \"a_b!.example\" is not a host");
    CHECK(bad("smtps://a.example.") == "19+10 \"a.example.\" is not a host -> a.example");
    CHECK(bad("smtps://10.0.0.256") == "19+10 \"10.0.0.256\" is not a host");
    CHECK(bad("smtps://2001:db8::1") ==
          "19+11 IPv6 address without brackets -> smtps://[2001:db8::1]");
    CHECK(bad("smtps://[2001:db8::1") == "19+10 \"[2001:db8:\" is not a host");
    CHECK(bad("smtps://[10.0.0.1]") == "19+10 \"[10.0.0.1]\" is not a host");
    CHECK(bad("smtps://[]") == "19+2 \"[]\" is not a host");
    CHECK(bad("smtp://0.0.0.0") == "18+7 \"0.0.0.0\" is no server's address");
    CHECK(bad("smtp://[::]") == "18+4 \"[::]\" is no server's address");
    CHECK(bad("smtp://[::ffff:10.0.0.1]") == "18+17 \"[::ffff:10.0.0.1]\" is no server's address");
}

TEST_CASE("what was meant as a URL is known, right or wrong") {
    CHECK(looks_like_url("smtsp://x"));
    CHECK(looks_like_url("lmtp:/run/x"));
    CHECK(looks_like_url("Smtp:x"));
    CHECK_FALSE(looks_like_url("provider"));
    CHECK_FALSE(looks_like_url("smtp.example.com"));
    CHECK_FALSE(looks_like_url("a:b"));
}

TEST_CASE("what is sent to a loopback address stays on the machine") {
    for (const auto* host : {"localhost", "x.localhost", "127.0.0.1", "127.8.9.1", "::1"}) {
        CHECK(is_loopback(host));
    }
    for (const auto* host : {"127.example.com", "10.0.0.1", "::2", "mylocalhost", ""}) {
        CHECK_FALSE(is_loopback(host));
    }
}
