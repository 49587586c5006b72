#include "smtpd/config/names.h"

#include "smtpd/config/parse.h"
#include "smtpd/config/render.h"
#include "tests/catch.h"

using namespace holdfast::config;

namespace {

struct Outcome {
    std::string names;
    std::string said;
};

Outcome choose(const std::string& text, const Machine& machine) {
    const auto parsed = parse(text, "c");
    REQUIRE_FALSE(parsed.diagnostics.has_errors());
    const auto names = choose_names(parsed.value, machine);
    return {names.value.hostname + " " + names.value.origin, render(names.diagnostics)};
}

constexpr const char* mailname = "/etc/mailname";

}  // namespace

TEST_CASE("names come from the configuration, else from the machine, never from a resolver") {
    CHECK(choose("", {"Web1.Example.Net", mailname, {}}).names ==
          "web1.example.net web1.example.net");
    CHECK(choose("", {"web1", mailname, {}}).names == "web1.localdomain web1.localdomain");
    CHECK(choose("", {"web1", mailname, "Example.NET\nmore\n"}).names ==
          "web1.localdomain example.net");
    CHECK(choose("", {"web1", mailname, " example.net \r\n"}).names ==
          "web1.localdomain example.net");
    CHECK(choose("hostname mx.example.org\n", {"web1", mailname, {}}).names ==
          "mx.example.org mx.example.org");
    const Outcome both =
        choose("hostname mx.example.org\norigin example.org\n", {"web1", mailname, "bad name"});
    CHECK(both.names == "mx.example.org example.org");
    CHECK(both.said.empty());
}

TEST_CASE("the host's name is local with its domain and without it") {
    const auto parsed = parse("domain example.org\n", "c");
    CHECK(local_domains(parsed.value, {"box.example.net", "example.com"}) ==
          std::vector<std::string>{"box", "box.example.net", "example.com", "example.org",
                                   "localhost"});
    CHECK(local_domains(Settings(), {"box", "box"}) ==
          std::vector<std::string>{"box", "localhost"});
}

TEST_CASE("a machine whose name is no domain name is warned of and can still mail") {
    const Outcome outcome = choose("", {"web 1", mailname, {}});
    CHECK(outcome.names == "localhost.localdomain localhost.localdomain");
    CHECK(outcome.said ==
          "warning: this machine's name \"web 1\" is not a domain name; mail calls it "
          "localhost.localdomain\n"
          "  set one in smtpd.conf: hostname NAME\n");
    CHECK(choose("", {"", mailname, {}}).names == "localhost.localdomain localhost.localdomain");
}

TEST_CASE("a useless /etc/mailname is warned of and not used") {
    const Outcome outcome = choose("", {"web1", mailname, "two words\n"});
    CHECK(outcome.names == "web1.localdomain web1.localdomain");
    CHECK(outcome.said ==
          "/etc/mailname:1: warning: \"two words\" is not a domain name; names without a domain "
          "get @web1.localdomain\n"
          "  write one there, or set it in smtpd.conf: origin DOMAIN\n");
    CHECK_FALSE(choose("", {"web1", mailname, ""}).said.empty());
}

TEST_CASE("a configured hostname without a dot is warned of") {
    CHECK(choose("hostname web1\n", {"x", mailname, {}}).said ==
          "c:1:10: warning: a name without a dot: other servers may refuse it\n"
          "  hostname web1\n"
          "           ^~~~\n"
          "  use the full name, such as web1.example.net\n");
}
