// What is said about mistakes in statements about which way mail takes, what becomes of its
// addresses, and who may send it.
#include <array>

#include "smtpd/config/leaving.h"
#include "smtpd/config/listeners.h"
#include "tests/smtpd/config/mistakes.h"

using namespace holdfast::config;

namespace {

constexpr std::array mistakes{
    Mistake{"route",
            R"(c:1:7: error: a word is missing
  route
        ^
  expected: route all | sender | to
)"},
    Mistake{"route al via a",
            R"(c:1:7: error: unknown word "al"
  route al via a
        ^~
  expected: all sender or to
  did you mean "all"?
)"},
    Mistake{"route to",
            R"(c:1:10: error: the pattern is missing
  route to
           ^
  expected: route to PATTERN via RELAY, ...
)"},
    Mistake{"route to a.example",
            R"(c:1:20: error: "via" is missing
  route to a.example
                     ^
  expected: route to PATTERN via RELAY, ...
)"},
    Mistake{"route to a.example vai b",
            R"(c:1:20: error: unknown word "vai"
  route to a.example vai b
                     ^~~
  expected: via
  did you mean "via"?
)"},
    Mistake{"route to a.example via",
            R"(c:1:24: error: the relay is missing
  route to a.example via
                         ^
  expected: route to PATTERN via RELAY, ...
)"},
    Mistake{"route to .a.example via smtp://b.example",
            R"(c:1:10: error: ".a.example" means no addresses
  route to .a.example via smtp://b.example
           ^~~~~~~~~~
  expected: USER@DOMAIN, @DOMAIN, or *.DOMAIN for what is below it
  did you mean "*.a.example"?
)"},
    Mistake{"route all via main",
            R"(c:1:15: error: unknown relay "main"
  route all via main
                ^~~~
  expected: the name of a relay statement, or a URL
)"},
    Mistake{"relay main smtps://a.example\nroute all via mian",
            R"(c:2:15: error: unknown relay "mian"
  route all via mian
                ^~~~
  expected: main, or a URL
  did you mean "main"?
)"},
    Mistake{"relay main smtps://a.example\nroute all via main,",
            R"(c:2:21: error: the relay is missing
  route all via main,
                      ^
  expected: route all via RELAY, ...
)"},
    Mistake{"relay main smtps://a.example\nroute all via main main",
            R"(c:2:20: error: unexpected "main"
  route all via main main
                     ^~~~
  expected: route all via RELAY, ...
)"},
    Mistake{"relay main smtps://a.example\nroute all via main, main",
            R"(c:2:21: error: "main" is named twice
  route all via main, main
                      ^~~~
  each relay of a route is tried once: leave one of them out
)"},
    Mistake{"relay main smtps://a.example\nroute all via main, smtp://b.example",
            R"(c:2:21: error: a URL beside other relays
  route all via main, smtp://b.example
                      ^~~~~~~~~~~~~~~~
  expected: names of relay statements, or one URL alone
)"},
    Mistake{"route to a.example via smtp://b.example tls nne",
            R"(c:1:45: error: unknown word "nne"
  route to a.example via smtp://b.example tls nne
                                              ^~~
  expected: none opportunistic require ca or pin
  did you mean "none"?
)"},
    Mistake{
        "route to a.example via smtp://b.example tls none\nroute to b.example via smtp://b.example",
        R"(c:2:24: error: this server has other options in c:1
  route to b.example via smtp://b.example
                         ^~~~~~~~~~~~~~~~
  give one of the two a name: relay NAME URL
)"},
    Mistake{"relay a smtps://a.example\nrelay b smtps://b.example",
            R"(c:2:7: error: 2 relays and no "route all"
  relay b smtps://b.example
        ^
  say which one takes what no other route does: route all via a, b
)"},
    Mistake{"relay a smtps://a.example\nrelay b smtps://b.example\nrelay c "
            "smtps://c.example\nroute to x.example via c",
            R"(c:2:7: error: 3 relays and no "route all"
  relay b smtps://b.example
        ^
  say which one takes what no other route does: route all via a, b, c
)"},
    Mistake{"relay a smtps://a.example\nroute to x.example via smtp://b.example\nroute all via "
            "smtp://c.example",
            R"(c:1:7: warning: no route leads to the relay "a"
  relay a smtps://a.example
        ^
  name it behind "via" in a route statement, or leave it out
)"},
    Mistake{"relay a smtps://a.example\nroute all via a\nroute to x.example via a\nroute all via a",
            R"(c:3:10: warning: this route can never match
  route to x.example via a
           ^~~~~~~~~
  the one in c:2 takes all of it: put this line in front of that, or leave it out
c:4:7: warning: this route can never match
  route all via a
        ^~~
  the one in c:2 takes all of it: put this line in front of that, or leave it out
)"},
    Mistake{"relay a smtps://a.example\nroute to @x.example via a\nroute to me@X.example via "
            "a\nroute sender me@x.example via a\nroute to x.example via a",
            R"(c:3:10: warning: this route can never match
  route to me@X.example via a
           ^~~~~~~~~~~~
  the one in c:2 takes all of it: put this line in front of that, or leave it out
c:5:10: warning: this route can never match
  route to x.example via a
           ^~~~~~~~~
  the one in c:2 takes all of it: put this line in front of that, or leave it out
)"},
    Mistake{"relay a smtps://a.example\nroute sender *.example via a\nroute sender *.x.example via "
            "a\nroute sender y.x.example via a\nroute sender me@x.example via a\nroute sender "
            "example via a",
            R"(c:3:14: warning: this route can never match
  route sender *.x.example via a
               ^~~~~~~~~~~
  the one in c:2 takes all of it: put this line in front of that, or leave it out
c:4:14: warning: this route can never match
  route sender y.x.example via a
               ^~~~~~~~~~~
  the one in c:2 takes all of it: put this line in front of that, or leave it out
c:5:14: warning: this route can never match
  route sender me@x.example via a
               ^~~~~~~~~~~~
  the one in c:2 takes all of it: put this line in front of that, or leave it out
)"},
    Mistake{"relay a smtps://a.example\nrelay b smtps://b.example\nrout all via a",
            R"(c:3:1: error: unknown statement "rout"
  rout all via a
  ^~~~
  expected: aliases cert domain hostname limit listen local masquerade origin queue redirect relay rewrite or route
  did you mean "route"?
)"},
    Mistake{"relay a smtps://a.example\nrelay b smtps://b.example\nroute to x vai b",
            R"(c:3:12: error: unknown word "vai"
  route to x vai b
             ^~~
  expected: via
  did you mean "via"?
c:2:7: error: 2 relays and no "route all"
  relay b smtps://b.example
        ^
  say which one takes what no other route does: route all via a, b
)"},
    Mistake{"relay a smtps://a.example\nrelay b smtps://b.example\nroute all b",
            R"(c:3:11: error: unknown word "b"
  route all b
            ^
  expected: via
)"},
    Mistake{"listen *:25 from 10.0.0.0/24",
            R"(c:1:13: warning: "from" without a relay: no mail leaves this machine
  listen *:25 from 10.0.0.0/24
              ^~~~
  add one, such as: relay provider smtps://smtp.example.com user USER secret file:PATH
)"},
    Mistake{"rewrite from me@example.com\nmasquerade example.com",
            R"(c:2:12: warning: "masquerade" without a relay: no mail leaves this machine
  masquerade example.com
             ^~~~~~~~~~~
  add one, such as: relay provider smtps://smtp.example.com user USER secret file:PATH
c:1:14: warning: "rewrite" without a relay: no mail leaves this machine
  rewrite from me@example.com
               ^~~~~~~~~~~~~~
  add one, such as: relay provider smtps://smtp.example.com user USER secret file:PATH
)"},
    Mistake{"rewrite me@example.com",
            R"(c:1:9: error: unknown word "me@example.com"
  rewrite me@example.com
          ^~~~~~~~~~~~~~
  expected: from
)"},
    Mistake{"rewrite from me",
            R"(c:1:14: error: "me" is not an address
  rewrite from me
               ^~
  expected: NAME@DOMAIN
)"},
    Mistake{"rewrite from me@example.com\nrewrite from you@example.com",
            R"(c:2:1: error: "rewrite" is said twice
  rewrite from you@example.com
  ^~~~~~~
  it is said first in c:1; keep one of them
c:1:14: warning: "rewrite" without a relay: no mail leaves this machine
  rewrite from me@example.com
               ^~~~~~~~~~~~~~
  add one, such as: relay provider smtps://smtp.example.com user USER secret file:PATH
)"},
    Mistake{"masquerade @example.com",
            R"(c:1:12: error: "@example.com" is not a domain name
  masquerade @example.com
             ^~~~~~~~~~~~
  expected: letters, digits, hyphens and dots (an international name in its xn-- form)
)"},
    Mistake{"redirect to me@example.com",
            R"(c:1:10: error: unknown word "to"
  redirect to me@example.com
           ^~
  expected: all
)"},
    Mistake{"redirect all me@example.com",
            R"(c:1:14: error: unknown word "me@example.com"
  redirect all me@example.com
               ^~~~~~~~~~~~~~
  expected: to
)"},
    Mistake{"redirect all to example.com",
            R"(c:1:17: error: "example.com" is not an address
  redirect all to example.com
                  ^~~~~~~~~~~
  expected: NAME@DOMAIN
)"},
    Mistake{"relay a smtps://a.example\nlisten 10.0.0.1:25 from",
            R"(c:2:25: error: the network is missing
  listen 10.0.0.1:25 from
                          ^
  expected: listen ADDRESS:PORT [starttls | smtps] [from NETWORK, ...] | none
)"},
    Mistake{
        "relay a smtps://a.example\nlisten 10.0.0.1:25 from 10.0.0.1/24, 0.0.0.0/0, 10.0.1.0/24",
        R"(c:2:25: error: address bits are set behind the first 24
  listen 10.0.0.1:25 from 10.0.0.1/24, 0.0.0.0/0, 10.0.1.0/24
                          ^~~~~~~~~~~
  expected: the first address of the network, or one address without /
  did you mean "10.0.0.0/24"?
c:2:38: error: relays for everybody: anyone could send through this machine
  listen 10.0.0.1:25 from 10.0.0.1/24, 0.0.0.0/0, 10.0.1.0/24
                                       ^~~~~~~~~
  expected: the networks of those who may
)"},
    Mistake{"relay a smtps://a.example\nlisten 10.0.0.1:25 from 10.0.0.0/24 from 10.0.1.0/24",
            R"(c:2:37: error: unexpected "from"
  listen 10.0.0.1:25 from 10.0.0.0/24 from 10.0.1.0/24
                                      ^~~~
  expected: listen ADDRESS:PORT [starttls | smtps] [from NETWORK, ...] | none
)"},
    Mistake{"relay a smtps://a.example\nlisten none from 10.0.0.0/24",
            R"(c:2:13: error: unexpected "from"
  listen none from 10.0.0.0/24
              ^~~~
  expected: listen ADDRESS:PORT [starttls | smtps] [from NETWORK, ...] | none
)"},
    Mistake{"relay a smtps://a.example\nlisten 10.0.0.1:25 form 10.0.0.0/24",
            R"(c:2:20: error: unknown word "form"
  listen 10.0.0.1:25 form 10.0.0.0/24
                     ^~~~
  expected: starttls smtps or from
  did you mean "from"?
)"},
};

}  // namespace

TEST_CASE("every mistake about mail that leaves is named with its place and what to do") {
    check_said(mistakes);
}

TEST_CASE("routes that never match are found among many in bounded time") {
    std::string text = "relay a smtps://a.example\n";
    for (int i = 0; i < 1005; ++i) {
        text += "route to u" + std::to_string(i) + "@a.b.c.d.e.f.g.example via a\n";
    }
    const auto parsed = parse(text, "c");
    CHECK(parsed.value.routes.size() == 1000);
    CHECK(parsed.diagnostics.count(Severity::error) == 5);
    CHECK(parsed.diagnostics.count(Severity::warning) == 0);
}

TEST_CASE("a large file of unknown relays costs a bounded answer") {
    std::string text = "relay b smtps://b.example\n";
    std::string line = "route all via a";
    while (line.size() < 8000) line += ",a";
    while (text.size() < max_config) text += line + "\n";
    const auto parsed = parse(text, "c");
    CHECK(parsed.diagnostics.all().size() <= 2 * Diagnostics::max_kept);
    CHECK(parsed.diagnostics.omitted() > 400'000);
}

TEST_CASE("all mail to an address elsewhere needs a way there") {
    const std::vector<std::string> local{"box", "example.org"};
    const auto said = [&](std::string_view text) {
        const auto parsed = parse(text, "c");
        CHECK(parsed.diagnostics.all().empty());
        return render(check_redirect(parsed.value, local));
    };
    CHECK(said("redirect all to me@example.com\n") ==
          "c:1:17: error: \"me@example.com\" is not on this machine, and there is no relay\n"
          "  redirect all to me@example.com\n"
          "                  ^~~~~~~~~~~~~~\n"
          "  add one, such as: relay provider smtps://smtp.example.com user USER secret "
          "file:PATH\n");
    CHECK(said("redirect all to me@Example.ORG\n").empty());
    CHECK(said("redirect all to me@example.com\nrelay a smtps://a.example\n").empty());
    CHECK(said("redirect all to me@example.com\n"
               "route to example.com via smtps://a.example\n")
              .empty());
    CHECK(said("").empty());
}
