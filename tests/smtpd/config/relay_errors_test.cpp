// What is said about mistakes in relay statements.
#include <array>

#include "tests/smtpd/config/mistakes.h"

using namespace holdfast::config;

namespace {

constexpr std::array mistakes{
    Mistake{"relay",
            R"(c:1:7: error: the name is missing
  relay
        ^
  expected: relay NAME URL [OPTION ...]
)"},
    Mistake{"relay provider",
            R"(c:1:16: error: the URL is missing
  relay provider
                 ^
  expected: relay NAME URL [OPTION ...]
)"},
    Mistake{"relay provider smtsp://smtp.example.com user me",
            R"(c:1:16: error: unknown protocol "smtsp"
  relay provider smtsp://smtp.example.com user me
                 ^~~~~
  expected: smtps:// submission:// smtp:// or lmtp://
  did you mean "smtps://"?
)"},
    Mistake{"relay smtp://mx.example.net",
            R"(c:1:7: error: the name of the relay is missing in front of its URL
  relay smtp://mx.example.net
        ^~~~~~~~~~~~~~~~~~~~~
  expected: relay NAME URL
  did you mean "relay provider smtp://mx.example.net"?
)"},
    Mistake{"relay smtps://me:hunter2@mx.example.net",
            R"(c:1:7: error: the name of the relay is missing in front of its URL
  relay smtps://**********@mx.example.net
        ^~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
  expected: relay NAME URL
)"},
    Mistake{"relay smtp.example.com user me secret file:/s",
            R"(c:1:7: error: "smtp.example.com" is not the name of a relay
  relay smtp.example.com user me secret file:/s
        ^~~~~~~~~~~~~~~~
  expected: a name of up to 64 letters, digits, - and _
)"},
    Mistake{"relay my.relay smtsp://smtp.example.com",
            R"(c:1:7: error: "my.relay" is not the name of a relay
  relay my.relay smtsp://smtp.example.com
        ^~~~~~~~
  expected: a name of up to 64 letters, digits, - and _
c:1:16: error: unknown protocol "smtsp"
  relay my.relay smtsp://smtp.example.com
                 ^~~~~
  expected: smtps:// submission:// smtp:// or lmtp://
  did you mean "smtps://"?
)"},
    Mistake{"relay mx",
            R"(c:1:7: error: "mx" is no relay
  relay mx
        ^~
  not in this version, which sends through servers that are named: relay NAME URL
)"},
    Mistake{"relay mx tls dane,mta-sts",
            R"(c:1:7: error: "mx" is no relay
  relay mx tls dane,mta-sts
        ^~
  not in this version, which sends through servers that are named: relay NAME URL
)"},
    Mistake{"relay mx\nroute all via mx",
            R"(c:1:7: error: "mx" is no relay
  relay mx
        ^~
  not in this version, which sends through servers that are named: relay NAME URL
)"},
    Mistake{"relay a smtp://a.example\nrelay a smtp://b.example",
            R"(c:2:7: error: "a" is a relay already
  relay a smtp://b.example
        ^
  it stands in c:1; choose another name
)"},
    Mistake{"relay a me@smtp.example.com",
            R"(c:1:9: error: the user does not stand in the URL
  relay a me@smtp.example.com
          ^~
  expected: words behind the URL: user USER secret file:PATH
)"},
    Mistake{"relay a smtps://me:hunter2@smtp.example.com",
            R"(c:1:17: error: the user does not stand in the URL
  relay a smtps://**********@smtp.example.com
                  ^~~~~~~~~~
  expected: words behind the URL: user USER secret file:PATH
  did you mean "smtps://smtp.example.com"?
)"},
    Mistake{"relay a smtps://smtp.example.com/inbox",
            R"(c:1:33: error: a server has no path
  relay a smtps://smtp.example.com/inbox
                                  ^~~~~~
  expected: nothing behind the host and its port; options follow as words
  did you mean "smtps://smtp.example.com"?
)"},
    Mistake{"relay a lmtp:/run/dovecot/lmtp",
            R"(c:1:14: error: LMTP to a socket in the file system
  relay a lmtp:/run/dovecot/lmtp
               ^~~~~~~~~~~~~~~~~
  expected: lmtp://HOST or lmtp://HOST:PORT, which is LMTP over TCP
)"},
    Mistake{"relay a smtp.example.com:587",
            R"(c:1:9: error: no protocol in "smtp.example.com:587"
  relay a smtp.example.com:587
          ^~~~~~~~~~~~~~~~~~~~
  expected: a URL such as smtps://smtp.example.com
  did you mean "submission://smtp.example.com"?
)"},
    Mistake{"relay a smtps://smtp.example.com usr me",
            R"(c:1:34: error: unknown word "usr"
  relay a smtps://smtp.example.com usr me
                                   ^~~
  expected: connections secret source tls token or user
  did you mean "user"?
)"},
    Mistake{"relay a smtps://smtp.example.com user me",
            R"(c:1:34: error: "user" without "secret"
  relay a smtps://smtp.example.com user me
                                   ^~~~
  add the file of the password: secret file:PATH
)"},
    Mistake{"relay a smtps://smtp.example.com secret file:/s",
            R"(c:1:34: error: "secret" without "user"
  relay a smtps://smtp.example.com secret file:/s
                                   ^~~~~~
  add who logs in: user USER
)"},
    Mistake{"relay a smtps://smtp.example.com token",
            R"(c:1:34: error: "token" without "user"
  relay a smtps://smtp.example.com token
                                   ^~~~~
  add the login: user USER secret file:PATH
)"},
    Mistake{"relay a smtps://smtp.example.com user me token",
            R"(c:1:34: error: "user" without "secret"
  relay a smtps://smtp.example.com user me token
                                   ^~~~
  add the file of the password: secret file:PATH
)"},
    Mistake{"relay a smtps://smtp.example.com user me secret hunter2",
            R"(c:1:42: error: a secret is not written into this file
  relay a smtps://smtp.example.com user me secret ********
                                           ^~~~~~
  expected: secret file:PATH, a file of its own that root alone may read
)"},
    Mistake{"relay a smtps://smtp.example.com user me secret file:secret",
            R"(c:1:54: error: "secret" is not a full path
  relay a smtps://smtp.example.com user me secret file:secret
                                                       ^~~~~~
  expected: a path that begins with /
)"},
    Mistake{"relay a smtps://smtp.example.com user me secret",
            R"(c:1:49: error: the file of the secret is missing
  relay a smtps://smtp.example.com user me secret
                                                  ^
  expected: secret file:PATH
)"},
    Mistake{"relay a smtps://smtp.example.com user me secret=hunter2",
            R"(c:1:42: error: no space behind "secret"
  relay a smtps://smtp.example.com user me secret=********
                                           ^~~~~~
  expected: secret file:PATH
)"},
    Mistake{"relay a smtps://smtp.example.com user me token hunter2 secret file:/s",
            R"(c:1:42: error: "token" stands alone
  relay a smtps://smtp.example.com user me token ********              
                                           ^~~~~
  expected: token user USER secret file:PATH, with the token in that file
)"},
    Mistake{R"(relay a smtps://smtp.example.com user "" secret file:/s)",
            R"(c:1:39: error: "" is not a user
  relay a smtps://smtp.example.com user "" secret file:/s
                                        ^~
  expected: from 1 to 255 bytes
)"},
    Mistake{"relay a smtps://smtp.example.com tls",
            R"(c:1:38: error: a word is missing
  relay a smtps://smtp.example.com tls
                                       ^
  expected: tls none | opportunistic | require | ca FILE | pin sha256:HEX, ...
)"},
    Mistake{"relay a smtps://smtp.example.com tls requird",
            R"(c:1:38: error: unknown word "requird"
  relay a smtps://smtp.example.com tls requird
                                       ^~~~~~~
  expected: none opportunistic require ca or pin
  did you mean "require"?
)"},
    Mistake{"relay a smtps://smtp.example.com tls ca",
            R"(c:1:41: error: the file of the certificates is missing
  relay a smtps://smtp.example.com tls ca
                                          ^
  expected: tls none | opportunistic | require | ca FILE | pin sha256:HEX, ...
)"},
    Mistake{"relay a smtps://smtp.example.com tls ca c.pem",
            R"(c:1:41: error: "c.pem" is not a full path
  relay a smtps://smtp.example.com tls ca c.pem
                                          ^~~~~
  expected: a path that begins with /
)"},
    Mistake{"relay a smtps://smtp.example.com tls pin sha256:...",
            R"(c:1:42: error: "sha256:..." is not a fingerprint
  relay a smtps://smtp.example.com tls pin sha256:...
                                           ^~~~~~~~~~
  expected: sha256: and 64 hexadecimal digits of a certificate or a public key
)"},
    Mistake{"relay a smtps://smtp.example.com tls require tls none",
            R"(c:1:46: error: "tls" is said twice
  relay a smtps://smtp.example.com tls require tls none
                                               ^~~
  expected: each option once
)"},
    Mistake{"relay a smtps://smtp.example.com tls none",
            R"(c:1:38: error: "tls none" with smtps://, which is TLS
  relay a smtps://smtp.example.com tls none
                                       ^~~~
  leave it out; or, for a certificate that this machine does not trust: tls ca FILE, or tls pin sha256:HEX
)"},
    Mistake{"relay a smtps://smtp.example.com tls opportunistic",
            R"(c:1:38: error: "tls opportunistic" with smtps://, which is TLS
  relay a smtps://smtp.example.com tls opportunistic
                                       ^~~~~~~~~~~~~
  leave it out; or, for a certificate that this machine does not trust: tls ca FILE, or tls pin sha256:HEX
)"},
    Mistake{"relay a smtp://smtp.example.com tls none user me secret file:/s",
            R"(c:1:37: warning: the password travels in clear
  relay a smtp://smtp.example.com tls none user me secret file:/s
                                      ^~~~
  leave "tls none" out, and TLS is required
)"},
    Mistake{"relay a smtp://smtp.example.com tls none user me token secret file:/s",
            R"(c:1:37: warning: the token travels in clear
  relay a smtp://smtp.example.com tls none user me token secret file:/s
                                      ^~~~
  leave "tls none" out, and TLS is required
)"},
    Mistake{"relay a smtp://smtp.example.com tls opportunistic user me secret file:/s",
            R"(c:1:37: warning: the password is told to a server whose certificate is not verified
  relay a smtp://smtp.example.com tls opportunistic user me secret file:/s
                                      ^~~~~~~~~~~~~
  leave "tls opportunistic" out, and TLS is required
)"},
    Mistake{"relay a smtp://a.example source eth0",
            R"(c:1:33: error: "eth0" is not an address to send from
  relay a smtp://a.example source eth0
                                  ^~~~
  expected: an IPv4 or IPv6 address of this machine
)"},
    Mistake{"relay a smtp://a.example source 10.0.0.1, 10.0.0.2",
            R"(c:1:43: error: a second source of the same kind
  relay a smtp://a.example source 10.0.0.1, 10.0.0.2
                                            ^~~~~~~~
  expected: one IPv4 address and one IPv6 address
)"},
    Mistake{"relay a smtp://a.example source 10.0.0.1,",
            R"(c:1:43: error: the address is missing
  relay a smtp://a.example source 10.0.0.1,
                                            ^
  expected: source ADDRESS, ...
)"},
    Mistake{"relay a smtp://a.example source 10.0.0.1,,::1",
            R"(c:1:42: error: nothing in front of this comma
  relay a smtp://a.example source 10.0.0.1,,::1
                                           ^
  expected: one comma between two
)"},
    Mistake{"relay a smtp://a.example source ,10.0.0.1",
            R"(c:1:33: error: nothing in front of this comma
  relay a smtp://a.example source ,10.0.0.1
                                  ^
  expected: one comma between two
)"},
    Mistake{"relay a smtp://a.example source 0.0.0.0",
            R"(c:1:33: error: "0.0.0.0" is not an address to send from
  relay a smtp://a.example source 0.0.0.0
                                  ^~~~~~~
  expected: an IPv4 or IPv6 address of this machine
)"},
    Mistake{"relay a smtp://a.example connections 0",
            R"(c:1:38: error: "0" is too small
  relay a smtp://a.example connections 0
                                       ^
  expected: a number from 1 to 100
)"},
    Mistake{"relay a smtp://a.example connections 1000 source x tls pin y",
            R"(c:1:38: error: "1000" is too large
  relay a smtp://a.example connections 1000 source x tls pin y
                                       ^~~~
  expected: a number from 1 to 100
c:1:50: error: "x" is not an address to send from
  relay a smtp://a.example connections 1000 source x tls pin y
                                                   ^
  expected: an IPv4 or IPv6 address of this machine
c:1:60: error: "y" is not a fingerprint
  relay a smtp://a.example connections 1000 source x tls pin y
                                                             ^
  expected: sha256: and 64 hexadecimal digits of a certificate or a public key
)"},
    Mistake{"relay a smtp://a.example:465",
            R"(c:1:9: warning: port 465 usually begins with TLS, smtp:// without it
  relay a smtp://a.example:465
          ^~~~~~~~~~~~~~~~~~~~
  the usual URL is smtps://a.example
)"},
    Mistake{"relay a smtps://a.example:587",
            R"(c:1:9: warning: port 587 usually begins without TLS, smtps:// with it
  relay a smtps://a.example:587
          ^~~~~~~~~~~~~~~~~~~~~
  the usual URL is submission://a.example
)"},
    Mistake{"relay a smtps://a.example:465", R"()"},
    Mistake{"rely a smtps://a.example\nrelay b smtps://b.example\nroute all via a, b",
            R"(c:1:1: error: unknown statement "rely"
  rely a smtps://a.example
  ^~~~
  expected: aliases cert domain hostname limit listen local masquerade origin queue redirect relay rewrite or route
  did you mean "relay"?
)"},
    Mistake{R"(relay a "smtps://a.example
route all via a)",
            R"(c:1:9: error: quotation mark is never closed
  relay a "smtps://a.example
          ^~~~~~~~~~~~~~~~~~
  expected: a second quotation mark on the same line
)"},
    Mistake{"relay a smtps://a.example user me secret file:/s connections 5 extra",
            R"(c:1:64: error: unknown word "extra"
  relay a smtps://a.example user me secret file:/s connections 5 extra
                                                                 ^~~~~
  expected: connections secret source tls token or user
)"},
};

}  // namespace

TEST_CASE("every mistake about a relay is named with its place and what to do") {
    check_said(mistakes);
}

TEST_CASE("more relays than there may be are refused") {
    std::string text;
    for (int i = 0; i < 103; ++i) text += "relay r" + std::to_string(i) + " smtps://a.example\n";
    const auto parsed = parse(text + "route all via r0, r102", "c");
    CHECK(parsed.value.relays.size() == 100);
    CHECK(parsed.diagnostics.count(Severity::error) == 3);
}
