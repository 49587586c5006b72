#include "smtpd/parent/listeners.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/catch.h"

using namespace holdfast;

namespace {

links::ListenPlan plan(std::uint16_t port) {
    links::ListenPlan result;
    result.address = "127.0.0.1";
    result.port = port;
    result.text = "127.0.0.1:" + std::to_string(port);
    result.place = "smtpd.conf:3";
    return result;
}

std::uint16_t port_of(int fd) {
    sockaddr_in address{};
    socklen_t length = sizeof address;
    REQUIRE(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    return ntohs(address.sin_port);
}

bool listens(const UniqueFd& fd) {
    int listening = 0;
    socklen_t length = sizeof listening;
    REQUIRE(getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0);
    return listening == 1;
}

bool same_socket(const UniqueFd& one, const UniqueFd& other) {
    std::uint64_t cookies[2] = {};
    socklen_t length = sizeof cookies[0];
    REQUIRE(getsockopt(one.get(), SOL_SOCKET, SO_COOKIE, &cookies[0], &length) == 0);
    REQUIRE(getsockopt(other.get(), SOL_SOCKET, SO_COOKIE, &cookies[1], &length) == 0);
    return cookies[0] == cookies[1];
}

std::vector<BoundListener> serve(const std::vector<links::ListenPlan>& plans,
                                 const std::vector<BoundListener>& current = {}) {
    auto change = plan_listeners(current, plans);
    REQUIRE(change);
    REQUIRE(listen_on_added(*change));
    return std::move(change->next);
}

links::ListenPlan wildcard(std::uint16_t port) {
    links::ListenPlan result = plan(port);
    result.address = "0.0.0.0";
    result.text = "*:" + std::to_string(port);
    return result;
}

std::uint16_t free_port() {
    return port_of(serve({plan(0)}).front().socket.get());
}

// Who gets a connection to 127.0.0.1.
std::size_t taker(const std::vector<BoundListener>& listeners, std::uint16_t port) {
    const UniqueFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    for (std::size_t i = 0; i < listeners.size(); ++i) {
        if (UniqueFd(accept(listeners[i].socket.get(), nullptr, nullptr))) return i;
    }
    return listeners.size();
}

}  // namespace

TEST_CASE("what the plan names is bound, and listened on when it is wanted") {
    auto change = plan_listeners({}, {plan(0), plan(1)});
    REQUIRE(change);
    CHECK(change->added == std::vector<std::size_t>{0, 1});
    CHECK_FALSE(listens(change->next[0].socket));
    REQUIRE(listen_on_added(*change));
    for (const BoundListener& one : change->next) {
        CHECK(listens(one.socket));
        CHECK(accept(one.socket.get(), nullptr, nullptr) < 0);
        CHECK(errno == EAGAIN);
    }
}

TEST_CASE("F03 an address in use is an error that names the line, the address and the remedy") {
    const auto first = serve({plan(0)});
    const std::uint16_t port = port_of(first.front().socket.get());
    const auto second = plan_listeners({}, {plan(port)});
    REQUIRE_FALSE(second);
    CHECK(second.error().text() ==
          "smtpd.conf:3: cannot listen on 127.0.0.1:" + std::to_string(port) +
              " (another program listens there: see `ss -ltnp`): Address already in use");
}

TEST_CASE("an address that the machine lacks is passed over where smtpd.conf allows it") {
    links::ListenPlan absent = plan(0);
    absent.address = "192.0.2.1";
    REQUIRE_FALSE(plan_listeners({}, {plan(0), absent}));
    absent.if_available = true;
    const auto optional = plan_listeners({}, {plan(0), absent});
    REQUIRE(optional);
    CHECK(optional->next.size() == 1);
    CHECK_FALSE(plan_listeners({}, {absent}));  // but not when nothing would be left
}

TEST_CASE("a listener that the next configuration names too stays the same socket") {
    const std::uint16_t kept = free_port();
    const std::uint16_t left = free_port();
    const std::uint16_t fresh = free_port();
    const auto before = serve({plan(kept), plan(left)});
    auto change = plan_listeners(before, {plan(fresh), plan(kept)});
    REQUIRE(change);
    CHECK(change->added == std::vector<std::size_t>{0});
    CHECK(same_socket(change->next[1].socket, before[0].socket));
    CHECK(change->leaving == std::vector<std::string>{plan(left).text});
}

TEST_CASE("a change that fails leaves everything as it was") {
    const std::uint16_t port = free_port();
    const auto before = serve({plan(port)});
    links::ListenPlan impossible = plan(free_port());
    impossible.address = "192.0.2.1";
    CHECK_FALSE(plan_listeners(before, {plan(port), impossible}));
    CHECK(taker(before, port) == 0);
}

TEST_CASE("F03 a wildcard is bound beside the specific listener that it covers, which stays") {
    const std::uint16_t port = free_port();
    const auto before = serve({plan(port)});
    const auto after = serve({wildcard(port)}, before);
    REQUIRE(after.size() == 2);
    CHECK(same_socket(after[1].socket, before[0].socket));
    CHECK(taker(after, port) == 1);
}

TEST_CASE("a listener that stays takes the TLS mode of the statement that covers it") {
    const std::uint16_t port = free_port();
    links::ListenPlan secret = plan(port);
    secret.tls = links::TlsMode::implicit;
    const auto before = serve({secret});
    links::ListenPlan public_one = plan(port);
    public_one.tls = links::TlsMode::starttls;
    const auto same = serve({public_one}, before);
    CHECK(same_socket(same[0].socket, before[0].socket));
    CHECK(same[0].plan.tls == links::TlsMode::starttls);
    links::ListenPlan all = wildcard(port);
    all.tls = links::TlsMode::starttls;
    const auto after = serve({all}, before);
    REQUIRE(after.size() == 2);
    CHECK(same_socket(after[1].socket, before[0].socket));
    CHECK(after[1].plan.tls == links::TlsMode::starttls);
}

TEST_CASE("F03 a specific listener is bound beside the wildcard that it replaces, and wins") {
    const std::uint16_t port = free_port();
    const auto before = serve({wildcard(port)});
    auto change = plan_listeners(before, {plan(port)});
    REQUIRE(change);
    REQUIRE(listen_on_added(*change));
    CHECK(change->leaving == std::vector<std::string>{wildcard(port).text});
    CHECK(change->next.size() == 1);
    CHECK(taker(change->next, port) == 0);
}

TEST_CASE("a socket that was kept for us is known by what it is, not by its name alone") {
    auto kept = serve({plan(0)});
    const std::uint16_t port = port_of(kept.front().socket.get());
    UniqueFd copy(dup(kept.front().socket.get()));
    auto listener = recognise_listener(plan(port).text, std::move(copy));
    REQUIRE(listener);
    CHECK(listener->plan.address == "127.0.0.1");
    CHECK(listener->plan.port == port);

    std::vector<BoundListener> current;
    current.push_back(std::move(*listener));
    const auto change = plan_listeners(current, {plan(port)});
    REQUIRE(change);
    CHECK(change->added.empty());
    CHECK(same_socket(change->next.front().socket, kept.front().socket));

    SECTION("one that does not listen is not used") {
        UniqueFd idle(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        CHECK_FALSE(recognise_listener("127.0.0.1:25", std::move(idle)));
    }
    SECTION("nor one of another kind") {
        int pair[2];
        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
        const UniqueFd other(pair[1]);
        CHECK_FALSE(recognise_listener("127.0.0.1:25", UniqueFd(pair[0])));
    }
    SECTION("nor one that takes both families") {
        UniqueFd both(socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(listen(both.get(), 1) == 0);
        CHECK_FALSE(recognise_listener("*:25", std::move(both)));
    }
}
