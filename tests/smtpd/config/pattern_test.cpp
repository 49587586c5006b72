#include "smtpd/config/pattern.h"

#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::config;

namespace {

std::string text_of(const Pattern& pattern) {
    switch (pattern.match) {
        case links::RouteMatch::address:
            return pattern.text;
        case links::RouteMatch::domain:
            return "@" + pattern.text;
        case links::RouteMatch::subdomains:
            break;
    }
    return "*." + pattern.text;
}

std::string good(std::string text) {
    const auto pattern = parse_pattern({std::move(text), 1, 0});
    REQUIRE(pattern);
    return text_of(*pattern);
}

// What is suggested.
std::string bad(const std::string& text) {
    const auto pattern = parse_pattern({text, 1, static_cast<std::uint32_t>(text.size())});
    REQUIRE_FALSE(pattern);
    CHECK(pattern.error().message == in_quotes(text) + " means no addresses");
    CHECK(pattern.error().length == text.size());
    return pattern.error().suggestion;
}

std::string wider(std::string text) {
    std::string all;
    for (const Pattern& pattern : wider_patterns(*parse_pattern({std::move(text), 1, 0}))) {
        all += (all.empty() ? "" : " ") + text_of(pattern);
    }
    return all;
}

}  // namespace

TEST_CASE("a pattern is an address, a domain, or what is below a domain") {
    CHECK(good("Me@Corp.Example") == "Me@corp.example");
    CHECK(good("@Corp.Example") == "@corp.example");
    CHECK(good("Corp.Example") == "@corp.example");
    CHECK(good("*.Corp.Example") == "*.corp.example");
    CHECK(good("localhost") == "@localhost");
    CHECK(good("\"a b@c\"@corp.example") == "\"a b@c\"@corp.example");
}

TEST_CASE("a pattern of another mail system is refused with the one that is meant") {
    CHECK(bad(".corp.example") == "*.corp.example");
    CHECK(bad("*@corp.example") == "@corp.example");
    CHECK(bad("*corp.example") == "@corp.example");
    CHECK(bad("@*.corp.example") == "*.corp.example");
    CHECK(bad("*@*.corp.example") == "*.corp.example");
    CHECK(bad("shop-*@corp.example").empty());
    CHECK(bad("*").empty());
    CHECK(bad("").empty());
    CHECK(bad("@").empty());
    CHECK(bad("me@").empty());
    CHECK(bad("me@*.corp.example").empty());
    CHECK(bad("a@b@c").empty());
    CHECK(bad("corp example").empty());
}

TEST_CASE("the patterns that mean all addresses of another one are known") {
    CHECK(wider("me@a.b.example") == "me@a.b.example @a.b.example *.b.example *.example");
    CHECK(wider("a.b.example") == "@a.b.example *.b.example *.example");
    CHECK(wider("*.b.example") == "*.b.example *.example");
    CHECK(wider("*.example") == "*.example");
    CHECK(wider("\"a@b\"@c.example") == "\"a@b\"@c.example @c.example *.example");
}
