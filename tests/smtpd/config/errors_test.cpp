// What is said about mistakes in statements, those about mail for other machines left out.
#include <array>

#include "tests/smtpd/config/mistakes.h"

using namespace holdfast::config;

namespace {

constexpr std::array mistakes{
    Mistake{"lisen *:25", R"(c:1:1: error: unknown statement "lisen"
  lisen *:25
  ^~~~~
  expected: aliases cert domain hostname limit listen local masquerade origin queue redirect relay rewrite or route
  did you mean "listen"?
)"},
    Mistake{"\"\"", R"(c:1:1: error: unknown statement ""
  ""
  ^~
  expected: aliases cert domain hostname limit listen local masquerade origin queue redirect relay rewrite or route
)"},
    Mistake{"dkim example.net selector s1 key /k", R"(c:1:1: error: unknown statement "dkim"
  dkim example.net selector s1 key /k
  ^~~~
  expected: aliases cert domain hostname limit listen local masquerade origin queue redirect relay rewrite or route
  not in this version
)"},
    Mistake{"listen 25", R"(c:1:8: error: no address in "25"
  listen 25
         ^~
  expected: *:25 (every address) or localhost:25 (this machine's own programs)
)"},
    Mistake{"listen on localhost port 25", R"(c:1:8: error: unexpected "on"
  listen on localhost port 25
         ^~
  expected: listen ADDRESS:PORT
  did you mean "listen localhost:25"?
)"},
    Mistake{"listen", R"(c:1:8: error: the address is missing
  listen
         ^
  expected: listen ADDRESS:PORT [starttls | smtps] [from NETWORK, ...] | none
)"},
    Mistake{"listen locahost:25", R"(c:1:8: error: unknown address "locahost"
  listen locahost:25
         ^~~~~~~~
  expected: an IPv4 address, an IPv6 address in brackets, * or localhost
  did you mean "localhost"?
)"},
    Mistake{"listen 127.0.0.1:99999", R"(c:1:18: error: "99999" is not a port
  listen 127.0.0.1:99999
                   ^~~~~
  expected: a number from 1 to 65535
)"},
    Mistake{"listen ::1", R"(c:1:8: error: IPv6 address without brackets
  listen ::1
         ^~~
  expected: ADDRESS:PORT, such as localhost:25, *:25 or [::1]:25
  did you mean "[::1]:25"?
)"},
    Mistake{"listen *:25 starttls", R"(c:1:13: error: "starttls" without a certificate
  listen *:25 starttls
              ^~~~~~~~
  add a line such as: cert HOST /etc/letsencrypt/live/HOST
)"},
    Mistake{"hostname a.example\nlisten *:25 starttls\nlisten *:465 smtps",
            R"(c:2:13: error: "starttls" without a certificate
  listen *:25 starttls
              ^~~~~~~~
  add a line such as: cert a.example /etc/letsencrypt/live/a.example
)"},
    Mistake{"listen *:25 startls", R"(c:1:13: error: unknown word "startls"
  listen *:25 startls
              ^~~~~~~
  expected: starttls smtps or from
  did you mean "starttls"?
)"},
    Mistake{"listen *:25 starttls smtps\ncert a.example /c",
            R"(c:1:22: error: unexpected "smtps"
  listen *:25 starttls smtps
                       ^~~~~
  expected: listen ADDRESS:PORT [starttls | smtps] [from NETWORK, ...] | none
)"},
    Mistake{"listen none starttls", R"(c:1:13: error: unexpected "starttls"
  listen none starttls
              ^~~~~~~~
  expected: listen ADDRESS:PORT [starttls | smtps] [from NETWORK, ...] | none
)"},
    Mistake{"cert", R"(c:1:6: error: the host is missing
  cert
       ^
  expected: cert HOST FOLDER | chain FILE key FILE
)"},
    Mistake{"cert a.example", R"(c:1:16: error: the folder is missing
  cert a.example
                 ^
  expected: cert HOST FOLDER | chain FILE key FILE
)"},
    Mistake{"cert *.example /c", R"(c:1:6: error: "*.example" is not a domain name
  cert *.example /c
       ^~~~~~~~~
  expected: letters, digits, hyphens and dots (an international name in its xn-- form)
)"},
    Mistake{"cert a.example certs", R"(c:1:16: error: "certs" is not a full path
  cert a.example certs
                 ^~~~~
  expected: a path that begins with /
)"},
    Mistake{"cert a.example chain /c.pem", R"(c:1:29: error: "key" is missing
  cert a.example chain /c.pem
                              ^
  expected: cert HOST FOLDER | chain FILE key FILE
)"},
    Mistake{"cert a.example chain /c.pem key",
            R"(c:1:33: error: the file of the private key is missing
  cert a.example chain /c.pem key
                                  ^
  expected: cert HOST FOLDER | chain FILE key FILE
)"},
    Mistake{"listen *:25 starttls\ncert a.example /c/fullchain.pem /c/privkey.pem",
            R"(c:2:33: error: unexpected "/c/privkey.pem"
  cert a.example /c/fullchain.pem /c/privkey.pem
                                  ^~~~~~~~~~~~~~
  expected: cert HOST FOLDER | chain FILE key FILE
)"},
    Mistake{"listen *:25 starttls\ncert a.example /c/\ncert A.example chain "
            "/c/fullchain.pem key /c/privkey.pem",
            R"(c:3:6: error: this certificate of "a.example" is named twice
  cert A.example chain /c/fullchain.pem key /c/privkey.pem
       ^~~~~~~~~
  it is named first in c:2; keep one of them
)"},
    Mistake{"cert a.example /c", R"(c:1:6: warning: no listen statement uses a certificate
  cert a.example /c
       ^~~~~~~~~
  add starttls to one, such as: listen *:25 starttls
)"},
    Mistake{"listen none\nlisten *:25",
            R"(c:1:8: error: "listen none" beside another listen statement
  listen none
         ^~~~
  the other stands in c:2; keep one of them
)"},
    Mistake{"hostname web1.example.net.",
            R"(c:1:10: error: "web1.example.net." is not a domain name
  hostname web1.example.net.
           ^~~~~~~~~~~~~~~~~
  expected: letters, digits, hyphens and dots (an international name in its xn-- form)
  did you mean "web1.example.net"?
)"},
    Mistake{"hostname \"unclosed", R"(c:1:10: error: quotation mark is never closed
  hostname "unclosed
           ^~~~~~~~~
  expected: a second quotation mark on the same line
)"},
    Mistake{"hostname a.example\n\norigin b.example\nhostname c.example",
            R"(c:4:1: error: "hostname" is said twice
  hostname c.example
  ^~~~~~~~
  it is said first in c:1; keep one of them
)"},
    Mistake{"limit", R"(c:1:7: error: a word is missing
  limit
        ^
  expected: limit agents | drain | message | recipients | sessions
)"},
    Mistake{"limit mesage 5M", R"(c:1:7: error: unknown word "mesage"
  limit mesage 5M
        ^~~~~~
  expected: agents drain message recipients or sessions
  did you mean "message"?
)"},
    Mistake{"limit message 5X", R"(c:1:15: error: "5X" is not a size
  limit message 5X
                ^~
  expected: a size from 64KiB to 2GiB, such as 50M or 64KiB
)"},
    Mistake{"limit message 5", R"(c:1:15: error: "5" is too small
  limit message 5
                ^
  expected: a size from 64KiB to 2GiB, such as 50M or 64KiB
)"},
    Mistake{"limit recipients 1000000", R"(c:1:18: error: "1000000" is too large
  limit recipients 1000000
                   ^~~~~~~
  expected: a number from 100 to 60000
)"},
    Mistake{"limit sessions 10 per-client 11", R"(c:1:30: error: "11" is too large
  limit sessions 10 per-client 11
                               ^~
  expected: a number from 1 to 10
)"},
    Mistake{"limit sessions 10 perclient 2", R"(c:1:19: error: unexpected "perclient"
  limit sessions 10 perclient 2
                    ^~~~~~~~~
  expected: limit sessions NUMBER [per-client NUMBER]
)"},
    Mistake{"limit sessions x per-client y", R"(c:1:16: error: "x" is not a number
  limit sessions x per-client y
                 ^
  expected: a number from 1 to 20000
c:1:29: error: "y" is not a number
  limit sessions x per-client y
                              ^
  expected: a number from 1 to 20000
)"},
    Mistake{"limit drain 10m up-to 5m", R"(c:1:23: error: "5m" is too small
  limit drain 10m up-to 5m
                        ^~
  expected: a duration from 10m to 1h, such as 90s, 4h or 1d12h
)"},
    Mistake{"limit drain 2h", R"(c:1:13: error: "2h" is too large
  limit drain 2h
              ^~
  expected: a duration from 0s to 1h, such as 90s, 4h or 1d12h
)"},
    Mistake{"queue retry 1h upto 2h", R"(c:1:16: error: unknown word "upto"
  queue retry 1h upto 2h
                 ^~~~
  expected: up-to
  did you mean "up-to"?
)"},
    Mistake{"queue retry 1h", R"(c:1:16: error: "up-to" is missing
  queue retry 1h
                 ^
  expected: queue retry DURATION up-to DURATION
)"},
    Mistake{"queue retry 2h up-to 1h", R"(c:1:22: error: "1h" is too small
  queue retry 2h up-to 1h
                       ^~
  expected: a duration from 2h to 1w, such as 90s, 4h or 1d12h
)"},
    Mistake{"queue expire 4", R"(c:1:14: error: "4" is not a duration
  queue expire 4
               ^
  expected: a duration from 1m to 30d, such as 90s, 4h or 1d12h
)"},
    Mistake{"queue expire 2h\nqueue warn 3h",
            R"(c:2:1: warning: mail is returned before its sender would be warned
  queue warn 3h
  ^~~~~
  "queue expire" is 2h: choose a shorter time here
)"},
    Mistake{"local", R"(c:1:7: error: a word is missing
  local
        ^
  expected: local mbox | maildir ~/PATH
)"},
    Mistake{"local maildir Maildir", R"(c:1:15: error: the folder does not begin with ~/
  local maildir Maildir
                ^~~~~~~
  expected: ~/PATH, such as ~/Maildir
)"},
    Mistake{"local maildir ~/../other",
            R"(c:1:15: error: the folder must lie below the home directory
  local maildir ~/../other
                ^~~~~~~~~~
  expected: ~/PATH, such as ~/Maildir
)"},
    Mistake{"local mbox\nlocal maildir ~/Maildir", R"(c:2:1: error: "local" is said twice
  local maildir ~/Maildir
  ^~~~~
  it is said first in c:1; keep one of them
)"},
    Mistake{"aliases etc/aliases",
            R"(c:1:9: error: "etc/aliases" is not a full path
  aliases etc/aliases
          ^~~~~~~~~~~
  expected: a path that begins with /
)"},
    Mistake{"domain a.example\ndomain A.example",
            R"(c:2:8: warning: "a.example" is a local domain already
  domain A.example
         ^~~~~~~~~
  it stands in c:1; this line can go
)"},
};

}  // namespace

TEST_CASE("every mistake is named with its place, what was expected and what was meant") {
    check_said(mistakes);
}

TEST_CASE("independent mistakes are all reported in one run, in the order of the lines") {
    std::string text;
    std::string said;
    for (std::uint32_t line = 1; line <= 50; ++line) {
        text += "bad" + std::to_string(line) + "\n";
        said += std::to_string(line) + ",";
    }
    std::string lines;
    const auto parsed = parse(text, "c");
    for (const Diagnostic& diagnostic : parsed.diagnostics.all()) {
        lines += std::to_string(diagnostic.place.line) + ",";
    }
    CHECK(lines == said);
}

TEST_CASE("a mistake never brings a second one about the same words") {
    for (const char* line : {"limit nothing 5 6 7", "listen ! extra", "queue retry 1 2 3",
                             "local x ~/y", "hostname \"a b\" c", "zzz \"a\" b c"}) {
        INFO(line);
        CHECK(parse(line, "c").diagnostics.count(Severity::error) <= 2);
        CHECK(parse(line, "c").diagnostics.all().size() >= 1);
    }
}

TEST_CASE("more cert statements than can be served are refused") {
    std::string text = "listen *:25 starttls\n";
    for (int i = 0; i < 260; ++i) text += "cert a.example /c" + std::to_string(i) + "\n";
    const auto parsed = parse(text, "c");
    CHECK(parsed.value.certs.size() == 256);
    CHECK(parsed.diagnostics.count(Severity::error) == 4);
}

TEST_CASE("more listen statements than sockets can be handed on are refused") {
    std::string text;
    for (int i = 0; i < 40; ++i) text += "listen *:" + std::to_string(1000 + i) + "\n";
    const auto parsed = parse(text, "c");
    CHECK(parsed.value.listens.size() == 32);
    CHECK(parsed.diagnostics.count(Severity::error) == 8);
}
