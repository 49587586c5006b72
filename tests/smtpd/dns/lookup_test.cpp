// Lookups with the real libunbound on a real loop, against a name server that a test scripts.
#include "smtpd/dns/lookup.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/smtpd/dns/fake_name_server.h"
#include "tests/smtpd/loop/turning.h"

using namespace holdfast;
using namespace holdfast::dns;
using std::chrono::milliseconds;

namespace {

constexpr std::string_view loopback = "nameserver 127.0.0.1\n";

std::vector<std::string> texts(const std::vector<IpAddress>& addresses) {
    std::vector<std::string> result;
    for (const IpAddress& address : addresses) result.push_back(address.text());
    return result;
}

struct Bench {
    Loop loop;
    FakeNameServer server{loop};
    Resolver resolver{loop, setup(loopback)};

    Resolver::Setup setup(std::string_view resolv_conf, std::string_view hosts = {}) const {
        return {.resolv_conf = resolv_conf, .hosts = hosts, .port = server.port()};
    }

    HostAddresses look_up(const std::string& host, Duration limit = std::chrono::seconds(4)) {
        std::optional<HostAddresses> result;
        Lookup lookup(
            resolver, host, [&](HostAddresses found) { result = std::move(found); }, limit);
        REQUIRE_FALSE(result);
        REQUIRE(turn_until(loop, [&] { return result.has_value(); }));
        return *result;
    }
};

FakeReply rcode(int code) {
    return {.rcode = code};
}

}  // namespace

TEST_CASE("a host has the addresses of both families, in the order that they came, IPv6 first") {
    Bench bench;
    bench.server.add("mx.example.net", "192.0.2.2");
    bench.server.add("mx.example.net", "192.0.2.1");
    bench.server.add("mx.example.net", "2001:db8::2");
    bench.server.add("mx.example.net", "2001:db8::1");
    const HostAddresses result = bench.look_up("MX.Example.net.");
    CHECK(result.meaning == Meaning::found);
    CHECK(texts(result.addresses) ==
          std::vector<std::string>{"2001:db8::2", "2001:db8::1", "192.0.2.2", "192.0.2.1"});
    CHECK(result.why.empty());
}

TEST_CASE("F44 what a name server says is final only where it says that there is nothing") {
    Bench bench;
    FakeNameServer& server = bench.server;
    server.script_both("nxdomain.example", rcode(nxdomain));
    server.script_both("nodata.example", rcode(noerror));
    server.script_both("servfail.example", rcode(servfail));
    server.script_both("refused.example", rcode(5));
    server.script_both("notimp.example", rcode(4));
    server.script_both("formerr.example", rcode(1));
    server.script_both("silent.example", {.silent = true});
    server.script_both("cut.example", {.truncated_over_udp = true, .truncated_over_tcp = true});
    struct Row {
        const char* host;
        Meaning meaning;
        const char* why;
    };
    const Row rows[] = {
        {"nxdomain.example", Meaning::no_such_name, "nxdomain.example: no such host (NXDOMAIN)"},
        {"nodata.example", Meaning::no_data, "nodata.example: the name has no address"},
        {"servfail.example", Meaning::unavailable,
         "servfail.example: cannot be resolved now: 127.0.0.1: SERVFAIL"},
        {"refused.example", Meaning::unavailable,
         "refused.example: cannot be resolved now: 127.0.0.1: SERVFAIL"},
        {"notimp.example", Meaning::unavailable,
         "notimp.example: cannot be resolved now: 127.0.0.1: SERVFAIL"},
        {"formerr.example", Meaning::unavailable,
         "formerr.example: cannot be resolved now: 127.0.0.1: SERVFAIL"},
        {"silent.example", Meaning::unavailable,
         "silent.example: cannot be resolved now: no answer within 1s from 127.0.0.1"},
        {"cut.example", Meaning::unavailable, nullptr},
    };
    for (const Row& row : rows) {
        INFO(row.host);
        const HostAddresses result = bench.look_up(row.host, std::chrono::seconds(1));
        CHECK(result.meaning == row.meaning);
        CHECK(result.addresses.empty());
        if (row.why != nullptr) CHECK(result.why == row.why);
        UNSCOPED_INFO(result.why);
    }
}

TEST_CASE("F44 one family found is enough, whatever becomes of the other") {
    Bench bench;
    bench.server.add("four.example", "192.0.2.1");
    bench.server.add("six.example", "2001:db8::1");
    bench.server.add("half.example", "192.0.2.1");
    bench.server.script("half.example", RecordType::aaaa, rcode(servfail));
    bench.server.add("mute.example", "192.0.2.1");
    bench.server.script("mute.example", RecordType::aaaa, {.silent = true});
    for (const auto* const host : {"four.example", "half.example", "mute.example"}) {
        INFO(host);
        const HostAddresses result = bench.look_up(host, std::chrono::seconds(1));
        CHECK(result.meaning == Meaning::found);
        CHECK(texts(result.addresses) == std::vector<std::string>{"192.0.2.1"});
    }
    CHECK(texts(bench.look_up("six.example").addresses) == std::vector<std::string>{"2001:db8::1"});
}

TEST_CASE("a family that never answers is not waited for where the other has addresses") {
    Bench bench;
    bench.server.add("mute.example", "192.0.2.1");
    bench.server.script("mute.example", RecordType::aaaa, {.silent = true});
    const MonoTime begin = bench.loop.now();
    CHECK(bench.look_up("mute.example", std::chrono::hours(1)).meaning == Meaning::found);
    CHECK(bench.loop.now() - begin < std::chrono::seconds(4));
}

TEST_CASE("F44 aliases are followed to their end, and mean what stands there") {
    Bench bench;
    FakeNameServer& server = bench.server;
    // The whole chain in one answer, as resolvers give it; unbound checks the rest of it.
    const FakeRecord first = alias_record("www.example", "one.example");
    const FakeRecord second = alias_record("one.example", "two.example");
    const FakeRecord last = address_record("two.example", "192.0.2.1");
    server.script("www.example", RecordType::a, {.records = {first, second, last}});
    server.script("one.example", RecordType::a, {.records = {second, last}});
    server.script("two.example", RecordType::a, {.records = {last}});
    CHECK(texts(bench.look_up("www.example").addresses) == std::vector<std::string>{"192.0.2.1"});
    // Each link by itself.
    server.script_both("lazy.example", {.records = {alias_record("lazy.example", "end.example")}});
    server.add("end.example", "192.0.2.2");
    CHECK(texts(bench.look_up("lazy.example").addresses) == std::vector<std::string>{"192.0.2.2"});
    // To nowhere, to a name without addresses, to a server that fails, in a circle.
    server.script_both("lost.example", {.records = {alias_record("lost.example", "no.example")}});
    CHECK(bench.look_up("lost.example").meaning == Meaning::no_such_name);
    server.script_both("bare.example", {.records = {alias_record("bare.example", "text.example")}});
    server.script_both("text.example", rcode(noerror));
    CHECK(bench.look_up("bare.example").meaning == Meaning::no_data);
    server.script_both("sick.example", {.records = {alias_record("sick.example", "ill.example")}});
    server.script_both("ill.example", rcode(servfail));
    CHECK(bench.look_up("sick.example").meaning == Meaning::unavailable);
    server.script_both("tick.example", {.records = {alias_record("tick.example", "tock.example")}});
    server.script_both("tock.example", {.records = {alias_record("tock.example", "tick.example")}});
    CHECK(bench.look_up("tick.example").meaning == Meaning::unavailable);
}

TEST_CASE("F44 an answer that was cut short is asked for again over TCP") {
    Bench bench;
    FakeReply reply{.truncated_over_udp = true};
    for (int i = 0; i < 60; ++i) {
        reply.records.push_back(address_record("big.example", "192.0.2." + std::to_string(i)));
    }
    bench.server.script("big.example", RecordType::a, reply);
    CHECK(bench.look_up("big.example").addresses.size() == 60);
    const auto& asked = bench.server.asked();
    CHECK(std::ranges::count(asked, FakeNameServer::Asked{"big.example", RecordType::a, false}) ==
          1);
    CHECK(std::ranges::count(asked, FakeNameServer::Asked{"big.example", RecordType::a, true}) ==
          1);
}

TEST_CASE("a resolv.conf that wants TCP gets nothing else") {
    Bench bench;
    bench.resolver.set_up(bench.setup("nameserver 127.0.0.1\noptions use-vc\n"));
    bench.server.add("mx.example", "192.0.2.1");
    CHECK(bench.look_up("mx.example").meaning == Meaning::found);
    CHECK_FALSE(bench.server.asked().empty());
    CHECK(std::ranges::all_of(bench.server.asked(), &FakeNameServer::Asked::tcp));
}

TEST_CASE("literal addresses and names of the hosts file need no name server") {
    Bench bench;
    bench.resolver.set_up(bench.setup(loopback, "192.0.2.7 Relay.example\n"));
    CHECK(texts(bench.look_up("192.0.2.1").addresses) == std::vector<std::string>{"192.0.2.1"});
    CHECK(texts(bench.look_up("2001:db8::1").addresses) == std::vector<std::string>{"2001:db8::1"});
    CHECK(texts(bench.look_up("relay.EXAMPLE").addresses) == std::vector<std::string>{"192.0.2.7"});
    CHECK(bench.server.asked().empty());
}

TEST_CASE("what cannot be the name of a host is not asked for") {
    Bench bench;
    const std::string label(63, 'a');
    const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
    for (const std::string& host :
         {std::string(), std::string("."), std::string("a..example"), std::string(".example"),
          std::string("a b.example"), std::string("a\\000.example"),
          std::string("b\xc3\xbc.example"), std::string("a.example\n"),
          std::string("a\0b.example", 11), label + "a.example", longest + "b",
          std::string("[192.0.2.1]"), std::string("fe80::1%eth0")}) {
        INFO(host);
        CHECK(bench.look_up(host).meaning == Meaning::no_such_name);
    }
    CHECK(bench.server.asked().empty());
    CHECK(bench.look_up("_spf." + label + ".example").meaning == Meaning::no_such_name);
    CHECK(bench.look_up(longest).meaning == Meaning::no_such_name);
    CHECK(bench.server.asked().size() == 4);
}

TEST_CASE("F44 names of private use are the name server's to deny, not the library's") {
    Bench bench;
    for (const auto* const host :
         {"mx.test", "mx.home.arpa", "mx.local", "mx.internal", "mx.lan"}) {
        INFO(host);
        bench.server.add(host, "192.0.2.1");
        CHECK(bench.look_up(host).meaning == Meaning::found);
    }
}

TEST_CASE("a name server is asked over IPv6 as well, with a zone or without") {
    Loop loop;
    FakeNameServer server(loop, "::1");
    server.add("mx.example", "192.0.2.1");
    for (const auto* const conf : {"nameserver ::1\n", "nameserver ::1%lo\n"}) {
        Resolver resolver(loop, {.resolv_conf = conf, .hosts = {}, .port = server.port()});
        std::optional<HostAddresses> result;
        Lookup lookup(resolver, "mx.example", [&](HostAddresses found) { result = found; });
        REQUIRE(turn_until(loop, [&] { return result.has_value(); }));
        CHECK(result->meaning == Meaning::found);
    }
}

TEST_CASE("F44 a name server that denies a name is believed, and the next one is not asked") {
    Bench bench;
    FakeNameServer second(bench.loop, "127.0.0.2", bench.server.port());
    second.add("mx.example", "192.0.2.1");
    bench.resolver.set_up(bench.setup("nameserver 127.0.0.1\nnameserver 127.0.0.2\n"));
    for (int i = 0; i < 20; ++i) {
        const HostAddresses result = bench.look_up("mx.example");
        CHECK(result.meaning == Meaning::no_such_name);
    }
    CHECK(second.asked().empty());
}

TEST_CASE("F44 the next name server is asked where the first one fails") {
    Bench bench;
    FakeNameServer second(bench.loop, "127.0.0.2", bench.server.port());
    bench.resolver.set_up(bench.setup("nameserver 127.0.0.1\nnameserver 127.0.0.2\n"));
    bench.server.script_both("sick.example", rcode(servfail));
    second.add("sick.example", "192.0.2.1");
    CHECK(bench.look_up("sick.example").meaning == Meaning::found);
    bench.server.script_both("both.example", rcode(servfail));
    second.script_both("both.example", rcode(5));
    CHECK(bench.look_up("both.example").why ==
          "both.example: cannot be resolved now: 127.0.0.1: SERVFAIL; 127.0.0.2: SERVFAIL");
}

TEST_CASE("F44 the next name server is asked where the first one is silent for a while") {
    Bench bench;
    FakeNameServer second(bench.loop, "127.0.0.2", bench.server.port());
    Resolver::Setup setup = bench.setup("nameserver 127.0.0.1\nnameserver 127.0.0.2\n");
    setup.patience = milliseconds(100);
    bench.resolver.set_up(setup);
    bench.server.script_both("mute.example", {.silent = true});
    second.add("mute.example", "192.0.2.1");
    CHECK(bench.look_up("mute.example").meaning == Meaning::found);
    bench.server.script_both("quiet.example", {.silent = true});
    second.script_both("quiet.example", {.silent = true});
    CHECK(bench.look_up("quiet.example", milliseconds(300)).why ==
          "quiet.example: cannot be resolved now: no answer within 300ms from 127.0.0.1, "
          "127.0.0.2");
}

TEST_CASE("F44 nobody at the name server's address is no answer, and forgotten when there is one") {
    Loop loop;
    auto server = std::make_unique<FakeNameServer>(loop);
    const std::uint16_t port = server->port();
    server.reset();
    Resolver resolver(loop, {.resolv_conf = loopback, .hosts = {}, .port = port});
    const auto meaning_of_host = [&](const std::string& host, Duration limit) {
        std::optional<Meaning> meaning;
        Lookup lookup(
            resolver, host, [&](const HostAddresses& result) { meaning = result.meaning; }, limit);
        REQUIRE(turn_until(loop, [&] { return meaning.has_value(); }));
        return *meaning;
    };
    for (int i = 0; i < 8; ++i) {
        const std::string host = "down" + std::to_string(i) + ".example";
        CHECK(meaning_of_host(host, milliseconds(300)) == Meaning::unavailable);
    }
    server = std::make_unique<FakeNameServer>(loop, "127.0.0.1", port);
    server->add("up.example", "192.0.2.1");
    CHECK(meaning_of_host("up.example", std::chrono::seconds(4)) == Meaning::found);
}

TEST_CASE("F42 a hundred lookups of a hung domain do not hold up another") {
    Bench bench;
    std::vector<std::unique_ptr<Lookup>> hung;
    for (int i = 0; i < 100; ++i) {
        const std::string host = "n" + std::to_string(i) + ".hung.example";
        bench.server.script_both(host, {.silent = true});
        hung.push_back(std::make_unique<Lookup>(bench.resolver, host, [](const HostAddresses&) {}));
    }
    bench.server.add("mx.example", "192.0.2.1");
    CHECK(bench.look_up("mx.example").meaning == Meaning::found);
}

TEST_CASE("new texts hold for new lookups, and those under way finish with the old ones") {
    Bench bench;
    FakeNameServer other(bench.loop, "127.0.0.2", bench.server.port());
    bench.server.add("mx.example", "192.0.2.1");
    other.add("mx.example", "192.0.2.2");
    std::optional<HostAddresses> old;
    Lookup lookup(bench.resolver, "mx.example", [&](HostAddresses result) { old = result; });
    bench.resolver.set_up(bench.setup("nameserver 127.0.0.2\n", "192.0.2.3 listed.example\n"));
    CHECK(texts(bench.look_up("mx.example").addresses) == std::vector<std::string>{"192.0.2.2"});
    CHECK(texts(bench.look_up("listed.example").addresses) ==
          std::vector<std::string>{"192.0.2.3"});
    REQUIRE(turn_until(bench.loop, [&] { return old.has_value(); }));
    CHECK(texts(old->addresses) == std::vector<std::string>{"192.0.2.1"});
}

TEST_CASE("the same texts once more leave in place what has been learned") {
    Bench bench;
    bench.server.add("mx.example", "192.0.2.1");
    CHECK(bench.look_up("mx.example").meaning == Meaning::found);
    bench.resolver.set_up(bench.setup("# again\nnameserver 127.0.0.1\n", "192.0.2.2 x.example\n"));
    CHECK(bench.look_up("mx.example").meaning == Meaning::found);
    CHECK(bench.look_up("x.example").meaning == Meaning::found);
    CHECK(bench.server.times_asked("mx.example", RecordType::a) == 1);
    bench.resolver.set_up(bench.setup("nameserver 127.0.0.1\noptions use-vc\n"));
    CHECK(bench.look_up("mx.example").meaning == Meaning::found);
    CHECK(bench.server.times_asked("mx.example", RecordType::a) == 2);
}

TEST_CASE("a lookup may be destroyed at any time, and calls back no more") {
    Bench bench;
    bench.server.add("mx.example", "192.0.2.1");
    bench.server.script_both("mute.example", {.silent = true});
    bool called = false;
    const auto note = [&](const HostAddresses&) { called = true; };
    for (const auto* const host :
         {"mx.example", "mute.example", "localhost", "192.0.2.1", "no one"}) {
        const Lookup lookup(bench.resolver, host, note);
    }
    // Where the answer is there, and has not been handed over yet.
    std::optional<Lookup> cached;
    CHECK(bench.look_up("mx.example").meaning == Meaning::found);
    cached.emplace(bench.resolver, "mx.example", note);
    cached.reset();
    CHECK(bench.look_up("other.example").meaning == Meaning::no_such_name);
    CHECK_FALSE(called);
}

TEST_CASE("a lookup may be destroyed by its own callback, and the resolver with it") {
    Loop loop;
    FakeNameServer server(loop);
    server.add("mx.example", "192.0.2.1");
    struct House {
        House(Loop& loop, std::uint16_t port)
            : resolver(loop, {.resolv_conf = loopback, .hosts = {}, .port = port}) {}
        Resolver resolver;
        std::optional<Lookup> lookup;
    };
    for (const auto* const host : {"mx.example", "192.0.2.1", "no.example"}) {
        auto house = std::make_unique<House>(loop, server.port());
        house->lookup.emplace(house->resolver, host, [&](const HostAddresses&) { house.reset(); });
        CHECK(turn_until(loop, [&] { return house == nullptr; }));
    }
}

TEST_CASE("a lookup that nobody answers ends at its limit, also of no time at all") {
    Bench bench;
    bench.server.script_both("mute.example", {.silent = true});
    CHECK(bench.look_up("mute.example", Duration::zero()).meaning == Meaning::unavailable);
    CHECK(bench.look_up("mute.example", milliseconds(50)).meaning == Meaning::unavailable);
}

TEST_CASE("F44 answers that DNSSEC finds forged are no answers") {
    constexpr std::string_view anchor =
        "example. IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D";
    Bench bench;
    Resolver::Setup setup = bench.setup(loopback);
    setup.trust_anchors = anchor;
    bench.resolver.set_up(setup);
    bench.server.add("mx.example", "192.0.2.1");
    bench.server.add("mx.elsewhere", "192.0.2.1");
    const HostAddresses forged = bench.look_up("mx.example");
    CHECK(forged.meaning == Meaning::unavailable);
    CHECK_THAT(forged.why, Catch::StartsWith("mx.example: cannot be resolved now: 127.0.0.1: "
                                             "DNSSEC validation failed: "));
    CHECK(bench.look_up("denied.example").meaning == Meaning::unavailable);
    CHECK(bench.look_up("mx.elsewhere").meaning == Meaning::found);
}

TEST_CASE("trust anchors that nobody can read leave no answer that nobody has checked") {
    Bench bench;
    Resolver::Setup setup = bench.setup(loopback);
    setup.trust_anchors = ". IN DS nonsense\n";
    bench.resolver.set_up(setup);
    bench.server.add("mx.example", "192.0.2.1");
    const HostAddresses result = bench.look_up("mx.example");
    CHECK(result.meaning == Meaning::unavailable);
    CHECK_THAT(result.why, Catch::Contains("set up the resolver"));
    CHECK(bench.server.asked().empty());
}
