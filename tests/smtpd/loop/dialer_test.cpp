// Connections over real loopback sockets. An address that does not answer is a listener whose
// queue is full: the kernel drops what comes then.
#include "smtpd/loop/dialer.h"

#include <filesystem>
#include <iterator>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smtpd/loop/loop.h"
#include "tests/catch.h"
#include "tests/smtpd/loop/ports.h"
#include "tests/smtpd/loop/turning.h"

using namespace holdfast;
using std::chrono::milliseconds;
using Blame = DialFailure::Blame;

namespace {

IpAddress address(const std::string& literal) {
    return IpAddress::parse(literal).value();
}

UniqueFd bound(const std::string& literal, std::uint16_t port) {
    const SocketName name(address(literal), port);
    UniqueFd socket(::socket(name.domain(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(socket);
    REQUIRE(bind(socket.get(), name.get(), name.length) == 0);
    return socket;
}

UniqueFd listening(const std::string& literal, std::uint16_t port = free_port(), int backlog = 10) {
    UniqueFd socket = bound(literal, port);
    REQUIRE(listen(socket.get(), backlog) == 0);
    return socket;
}

// Answers nobody while it lives.
class BlackHole {
  public:
    explicit BlackHole(const std::string& literal)
        : port_(free_port()), listener_(listening(literal, port_, 0)) {
        const SocketName name(address(literal), port_);
        for (UniqueFd& client : clients_) {
            client.reset(::socket(name.domain(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
            (void)connect(client.get(), name.get(), name.length);
        }
    }
    std::uint16_t port() const { return port_; }

  private:
    std::uint16_t port_;
    UniqueFd listener_;
    UniqueFd clients_[3];
};

// While it lives, this process can open no descriptor more.
class NoDescriptors {
  public:
    NoDescriptors() {
        getrlimit(RLIMIT_NOFILE, &before_);
        const UniqueFd next(dup(0));
        const rlimit few{static_cast<rlim_t>(next.get()), before_.rlim_max};
        setrlimit(RLIMIT_NOFILE, &few);
    }
    ~NoDescriptors() { end(); }
    void end() { setrlimit(RLIMIT_NOFILE, &before_); }

  private:
    rlimit before_{};
};

long open_descriptors() {
    const std::filesystem::directory_iterator open("/proc/self/fd");
    return std::distance(begin(open), end(open));
}

struct Bench {
    Loop loop;
    int turns = 0;

    Dialer::Outcome dial(Dialer::Target target) {
        std::optional<Dialer::Outcome> outcome;
        Dialer dialer(loop, std::move(target),
                      [&](Dialer::Outcome result) { outcome = std::move(result); });
        REQUIRE_FALSE(outcome.has_value());
        REQUIRE(turn_until(loop, [&] { return ++turns, outcome.has_value(); }));
        return std::move(*outcome);
    }
    std::string failure(Dialer::Target target) {
        const auto outcome = dial(std::move(target));
        REQUIRE_FALSE(outcome.has_value());
        return outcome.error().why;
    }
};

}  // namespace

TEST_CASE("a dialer hands over a connected socket that does not block and is not inherited") {
    Bench bench;
    for (const auto* const literal : {"127.0.0.1", "::1"}) {
        const UniqueFd listener = listening(literal);
        const auto outcome =
            bench.dial({.addresses = {address(literal)}, .port = port_of(listener.get())});
        REQUIRE(outcome.has_value());
        CHECK(outcome->address == address(literal));
        CHECK((fcntl(outcome->socket.get(), F_GETFL) & O_NONBLOCK) != 0);
        CHECK((fcntl(outcome->socket.get(), F_GETFD) & FD_CLOEXEC) != 0);
        const UniqueFd accepted(accept(listener.get(), nullptr, nullptr));
        REQUIRE(write(outcome->socket.get(), "x", 1) == 1);
        char byte = 0;
        CHECK(read(accepted.get(), &byte, 1) == 1);
    }
}

TEST_CASE("IPv6 comes first, and IPv4 where nobody listens on IPv6") {
    Bench bench;
    const UniqueFd six = listening("::1");
    const std::uint16_t port = port_of(six.get());
    const Dialer::Target target{.addresses = {address("127.0.0.1"), address("::1")}, .port = port};
    {
        const UniqueFd four = listening("127.0.0.1", port);
        CHECK(bench.dial(target)->address == address("::1"));
    }
    const UniqueFd four = listening("127.0.0.1");
    CHECK(bench.dial({.addresses = target.addresses, .port = port_of(four.get())})->address ==
          address("127.0.0.1"));
}

TEST_CASE("F42 an address that does not answer costs a quarter of a second, not the deadline") {
    Bench bench;
    const BlackHole hole("::1");
    const UniqueFd four = listening("127.0.0.1", hole.port());
    const MonoTime begin = bench.loop.now();
    const auto outcome =
        bench.dial({.addresses = {address("127.0.0.1"), address("::1")}, .port = hole.port()});
    REQUIRE(outcome.has_value());
    CHECK(outcome->address == address("127.0.0.1"));
    const Duration took = bench.loop.now() - begin;
    CHECK(took >= DialRace::head_start);
    CHECK(took < std::chrono::seconds(4));
}

TEST_CASE("a failure names each address that was tried, and why it failed") {
    Bench bench;
    const UniqueFd closed = bound("127.0.0.1", free_port());
    const std::string port = std::to_string(port_of(closed.get()));
    const auto outcome = bench.dial(
        {.addresses = {address("127.0.0.1"), address("::1")}, .port = port_of(closed.get())});
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().blame == Blame::theirs);
    CHECK(outcome.error().why ==
          "[::1]:" + port + ": Connection refused; 127.0.0.1:" + port + ": Connection refused");
    CHECK(bench.failure({.addresses = {}, .port = 25}) == "there is no address to connect to");
}

TEST_CASE("the deadline holds for all addresses together, and nothing spins until it comes") {
    Bench bench;
    const BlackHole hole("127.0.0.1");
    const auto outcome = bench.dial(
        {.addresses = {address("127.0.0.1")}, .port = hole.port(), .limit = milliseconds(300)});
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().blame == Blame::theirs);
    CHECK(outcome.error().why == "127.0.0.1:" + std::to_string(hole.port()) + ": no answer");
    CHECK(bench.turns < 10);
    CHECK(bench.failure({.addresses = {address("127.0.0.1")},
                         .port = hole.port(),
                         .limit = Duration::zero()}) == "there was no time to connect");
}

TEST_CASE("a connection comes from the source address of its family") {
    Bench bench;
    const UniqueFd listener = listening("127.0.0.1");
    const auto outcome = bench.dial({.addresses = {address("127.0.0.1")},
                                     .port = port_of(listener.get()),
                                     .source4 = address("127.0.0.9"),
                                     .source6 = address("2001:db8::dead")});
    REQUIRE(outcome.has_value());
    sockaddr_in from{};
    socklen_t length = sizeof from;
    const UniqueFd accepted(accept(listener.get(), reinterpret_cast<sockaddr*>(&from), &length));
    CHECK(ntohl(from.sin_addr.s_addr) == 0x7f000009);
}

TEST_CASE("a source address that this machine lacks is our failure, and said once") {
    Bench bench;
    const UniqueFd listener = listening("127.0.0.1");
    const std::uint16_t port = port_of(listener.get());
    const Dialer::Target target{.addresses = {address("127.0.0.1"), address("127.0.0.2")},
                                .port = port,
                                .source4 = address("203.0.113.9")};
    const auto outcome = bench.dial(target);
    REQUIRE_FALSE(outcome.has_value());
    CHECK(outcome.error().blame == Blame::ours);
    CHECK(outcome.error().why == "127.0.0.1:" + std::to_string(port) +
                                     ": from 203.0.113.9: Cannot assign requested address");
    // The other family is not held back by it.
    const UniqueFd six = listening("::1", port);
    Dialer::Target both = target;
    both.addresses.push_back(address("::1"));
    CHECK(bench.dial(both)->address == address("::1"));
}

TEST_CASE("F23 out of descriptors a dialer waits for one without spinning") {
    Bench bench;
    const UniqueFd listener = listening("127.0.0.1");
    const Dialer::Target target{.addresses = {address("127.0.0.1")},
                                .port = port_of(listener.get()),
                                .limit = milliseconds(500)};
    std::optional<Dialer::Outcome> outcome;
    // UBSan takes a descriptor to look at a class for the first time.
    REQUIRE(bench.dial(target).has_value());
    {
        const NoDescriptors none;
        Dialer dialer(bench.loop, target,
                      [&](Dialer::Outcome result) { outcome = std::move(result); });
        bench.turns = 0;
        turn_until(bench.loop, [&] { return ++bench.turns, outcome.has_value(); });
    }
    REQUIRE(outcome.has_value());
    REQUIRE_FALSE(outcome->has_value());
    CHECK(outcome->error().blame == Blame::ours);
    CHECK_THAT(outcome->error().why, Catch::EndsWith("Too many open files"));
    CHECK(bench.turns < 20);

    outcome.reset();
    NoDescriptors none;
    Dialer dialer(bench.loop, target, [&](Dialer::Outcome result) { outcome = std::move(result); });
    Timer relief(bench.loop, [&] { none.end(); });
    relief.set(milliseconds(50));
    turn_until(bench.loop, [&] { return outcome.has_value(); });
    REQUIRE(outcome.has_value());
    CHECK(outcome->has_value());
}

TEST_CASE("a network that cannot be reached is passed over at once, and named") {
    Bench bench;
    const IpAddress broadcast = address("255.255.255.255");  // never over TCP
    CHECK(bench.failure({.addresses = {broadcast}, .port = 25}) ==
          "255.255.255.255:25: Network is unreachable");
    const UniqueFd listener = listening("127.0.0.1");
    const auto outcome = bench.dial(
        {.addresses = {broadcast, address("127.0.0.1")}, .port = port_of(listener.get())});
    REQUIRE(outcome.has_value());
}

TEST_CASE("a dialer may be destroyed at any time, and its attempts end") {
    Bench bench;
    const UniqueFd listener = listening("127.0.0.1");
    const std::uint16_t port = port_of(listener.get());
    bool called = false;
    const auto note = [&](const Dialer::Outcome&) { called = true; };
    {
        const Dialer dialer(bench.loop, {.addresses = {address("127.0.0.1")}, .port = port}, note);
    }
    const auto before = open_descriptors();
    {
        const BlackHole hole("::1");
        Dialer dialer(bench.loop, {.addresses = {address("::1")}, .port = hole.port()}, note);
        bool later = false;
        Timer timer(bench.loop, [&] { later = true; });
        timer.set(milliseconds(20));
        REQUIRE(turn_until(bench.loop, [&] { return later; }));
    }
    CHECK(open_descriptors() == before);
    CHECK_FALSE(called);
}

TEST_CASE("a dialer may be destroyed by its own callback, whatever the outcome") {
    Loop loop;
    const UniqueFd listener = listening("127.0.0.1");
    const UniqueFd closed = bound("127.0.0.1", free_port());
    for (const int socket : {listener.get(), closed.get()}) {
        std::optional<Dialer> dialer;
        dialer.emplace(loop,
                       Dialer::Target{.addresses = {address("127.0.0.1")}, .port = port_of(socket)},
                       [&](const Dialer::Outcome&) { dialer.reset(); });
        CHECK(turn_until(loop, [&] { return !dialer.has_value(); }));
    }
}
