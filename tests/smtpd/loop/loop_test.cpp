#include "smtpd/loop/loop.h"

#include <csignal>
#include <optional>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smtpd/loop/acceptor.h"
#include "smtpd/loop/watch.h"
#include "tests/catch.h"
#include "tests/smtpd/loop/turning.h"

using namespace holdfast;
using std::chrono::milliseconds;

namespace {

struct Listener {
    UniqueFd socket;
    sockaddr_in address{};
};

Listener listen_on_loopback() {
    Listener listener;
    listener.socket.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    listener.address.sin_family = AF_INET;
    listener.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&listener.address);
    socklen_t size = sizeof listener.address;
    REQUIRE(bind(listener.socket.get(), generic, size) == 0);
    REQUIRE(listen(listener.socket.get(), 100) == 0);
    REQUIRE(getsockname(listener.socket.get(), generic, &size) == 0);
    return listener;
}

UniqueFd connect_to(const Listener& listener) {
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const auto* generic = reinterpret_cast<const sockaddr*>(&listener.address);
    REQUIRE(connect(socket.get(), generic, sizeof listener.address) == 0);
    return socket;
}

// While it lives, this process can open `spare` descriptors more.
class FewDescriptors {
  public:
    explicit FewDescriptors(rlim_t spare) {
        getrlimit(RLIMIT_NOFILE, &before_);
        const UniqueFd next(dup(0));
        const rlimit few{static_cast<rlim_t>(next.get()) + spare, before_.rlim_max};
        setrlimit(RLIMIT_NOFILE, &few);
    }
    ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

  private:
    rlimit before_{};
};

}  // namespace

TEST_CASE("a timer fires once, and not where it was cancelled or set anew") {
    Loop loop;
    int fired = 0;
    Timer timer(loop, [&] { ++fired; });
    timer.set(milliseconds(1));
    CHECK(timer.pending());
    REQUIRE(turn_until(loop, [&] { return fired == 1; }));
    CHECK_FALSE(timer.pending());
    timer.set(milliseconds(1));
    timer.cancel();
    timer.set(std::chrono::hours(1));
    Timer later(loop, [&] { fired += 10; });
    later.set(milliseconds(20));
    REQUIRE(turn_until(loop, [&] { return fired >= 10; }));
    CHECK(fired == 11);
    timer.set(-milliseconds(5));
    CHECK(turn_until(loop, [&] { return fired == 12; }));
}

TEST_CASE("a timer may be destroyed, or set again, by its own callback") {
    Loop loop;
    std::optional<Timer> timer;
    int fired = 0;
    timer.emplace(loop, [&] {
        if (++fired < 3) return timer->set(milliseconds(1));
        timer.reset();
    });
    timer->set(milliseconds(1));
    CHECK(turn_until(loop, [&] { return !timer.has_value(); }));
    CHECK(fired == 3);
}

TEST_CASE("what other threads post runs on the loop's thread, all of it") {
    Loop loop;
    const auto here = std::this_thread::get_id();
    int ran = 0;
    bool elsewhere = false;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 1000; ++n) {
                loop.post([&] {
                    ++ran;
                    elsewhere = elsewhere || std::this_thread::get_id() != here;
                });
            }
        });
    }
    CHECK(turn_until(loop, [&] { return ran == 4000; }));
    CHECK_FALSE(elsewhere);
    for (auto& thread : threads) thread.join();
}

TEST_CASE("what is asked for at a turn's end runs in that turn, and so does what that asks for") {
    Loop loop;
    std::vector<int> order;
    loop.post([&] {
        loop.after_turn([&] {
            order.push_back(2);
            loop.after_turn([&] { order.push_back(3); });
        });
        order.push_back(1);
    });
    loop.turn();
    CHECK(order == std::vector{1, 2, 3});
}

TEST_CASE("stop ends the loop with its status, after the turn") {
    Loop loop;
    bool finished = false;
    loop.post([&] {
        loop.stop(3);
        loop.after_turn([&] { finished = true; });
    });
    CHECK(loop.run() == 3);
    CHECK(finished);
}

TEST_CASE("a signal is an event like others") {
    Loop loop;
    int seen = 0;
    const SignalWatch watch(loop, SIGUSR2, [&] { ++seen; });
    raise(SIGUSR2);
    CHECK(turn_until(loop, [&] { return seen == 1; }));
}

TEST_CASE("an acceptor hands over every connection, and none while it is told not to") {
    Loop loop;
    Listener listener = listen_on_loopback();
    std::vector<UniqueFd> accepted;
    Acceptor acceptor(loop, UniqueFd(dup(listener.socket.get())), "127.0.0.1:0",
                      [&](UniqueFd socket) { accepted.push_back(std::move(socket)); });
    std::vector<UniqueFd> clients;
    for (int i = 0; i < 50; ++i) clients.push_back(connect_to(listener));
    loop.post([] {});
    loop.turn();
    CHECK(accepted.empty());
    acceptor.want_connections(true);
    CHECK(turn_until(loop, [&] { return accepted.size() == 50; }));
}

TEST_CASE("F23 out of descriptors an acceptor rests, and goes on when there are some again") {
    Loop loop;
    Listener listener = listen_on_loopback();
    std::vector<UniqueFd> accepted;
    Acceptor acceptor(loop, UniqueFd(dup(listener.socket.get())), "127.0.0.1:0",
                      [&](UniqueFd socket) { accepted.push_back(std::move(socket)); });
    std::vector<UniqueFd> clients;
    for (int i = 0; i < 5; ++i) clients.push_back(connect_to(listener));
    acceptor.want_connections(true);
    int turns = 0;
    // UBSan takes a descriptor to look at a class for the first time: the log asks the clock.
    REQUIRE(loop.now() > MonoTime());
    {
        const FewDescriptors few(2);
        bool over = false;
        Timer timer(loop, [&] { over = true; });
        timer.set(milliseconds(300));
        while (!over) {
            loop.turn();
            ++turns;
        }
        CHECK(accepted.size() <= 2);
    }
    // Two rests of 200 ms, not thousands of failed accepts.
    CHECK(turns < 20);
    CHECK(turn_until(loop, [&] { return accepted.size() == 5; }));
}

TEST_CASE("an acceptor may be destroyed by the connection that it hands over") {
    Loop loop;
    Listener listener = listen_on_loopback();
    std::optional<Acceptor> acceptor;
    acceptor.emplace(loop, UniqueFd(dup(listener.socket.get())), "127.0.0.1:0",
                     [&](UniqueFd) { acceptor.reset(); });
    acceptor->want_connections(true);
    const UniqueFd one = connect_to(listener);
    const UniqueFd two = connect_to(listener);
    CHECK(turn_until(loop, [&] { return !acceptor.has_value(); }));
}
