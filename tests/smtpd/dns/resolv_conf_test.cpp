#include "smtpd/dns/resolv_conf.h"

#include "tests/catch.h"

using namespace holdfast::dns;

namespace {

using Servers = std::vector<std::string>;

Servers servers(std::string_view text) {
    return parse_resolv_conf(text).name_servers;
}

}  // namespace

TEST_CASE("name servers are asked in the order of resolv.conf, three at most") {
    CHECK(servers("nameserver 192.0.2.1\nnameserver 2001:DB8::1\n") ==
          Servers{"192.0.2.1", "2001:db8::1"});
    CHECK(servers("nameserver 192.0.2.1\nnameserver 192.0.2.2\nnameserver 192.0.2.3\n"
                  "nameserver 192.0.2.4\n") == Servers{"192.0.2.1", "192.0.2.2", "192.0.2.3"});
    CHECK(servers("nameserver\t 192.0.2.1 \t# mine\r\nnameserver 192.0.2.2 ; yours") ==
          Servers{"192.0.2.1", "192.0.2.2"});
}

TEST_CASE("a name server on the local link keeps its zone") {
    CHECK(servers("nameserver fe80::1%eth0\n") == Servers{"fe80::1%eth0"});
    CHECK(servers("nameserver fe80::1%br-0.7_a\n") == Servers{"fe80::1%br-0.7_a"});
}

TEST_CASE("without a name server resolv.conf means the one of this machine") {
    const Servers local{"127.0.0.1", "::1"};
    for (const auto* const text :
         {"", "\n", "# nameserver 192.0.2.1\n", "; nameserver 192.0.2.1\n", "search example.org\n",
          " nameserver 192.0.2.1\n", "nameserver\n", "nameserver192.0.2.1\n",
          "NAMESERVER 192.0.2.1", "nameserver dns.example.org\n", "nameserver 192.0.2\n",
          "nameserver [2001:db8::1]\n", "nameserver 192.0.2.1@53\n", "nameserver 192.0.2.1%eth0\n",
          "nameserver fe80::1%\n", "nameserver ::%eth0\n", "nameserver fe80::1%eth0@53\n",
          "nameserver fe80::1%an-interface-name\n"}) {
        INFO(text);
        CHECK(servers(text) == local);
    }
}

TEST_CASE("the unspecified address means this machine, and is asked by its own address") {
    CHECK(servers("nameserver 0.0.0.0\nnameserver ::\n") == Servers{"127.0.0.1", "::1"});
}

TEST_CASE("of the options only use-vc is looked at") {
    using enum ResolvConf::Transport;
    CHECK(parse_resolv_conf("options edns0 trust-ad timeout:1 ndots:2\n").transport == any);
    CHECK(parse_resolv_conf("options edns0 use-vc\nnameserver 192.0.2.1\n").transport == tcp);
    CHECK(parse_resolv_conf("options\tuse-vcs\n").transport == any);
    CHECK(parse_resolv_conf(" options use-vc\n").transport == any);
}
