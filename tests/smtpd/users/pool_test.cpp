#include "smtpd/users/pool.h"

#include <atomic>
#include <semaphore>
#include <thread>

#include <sysexits.h>

#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::users;
using links::Lookup;
using std::chrono::milliseconds;

namespace {

// A database that does not answer about "slow" until it is told to. Shared with the threads,
// which may outlive a test.
struct SlowDatabase {
    std::counting_semaphore<> release{0};
    std::atomic<int> asked = 0;

    links::UserReply operator()(const Query& query) {
        ++asked;
        const auto& name = std::get<links::NameQuery>(query).name;
        if (name == "slow") release.acquire();
        links::UserReply reply;
        reply.lookup = Lookup::found;
        reply.name = name;
        return reply;
    }
};

struct Bench {
    std::shared_ptr<SlowDatabase> database = std::make_shared<SlowDatabase>();
    Loop loop;
    std::vector<links::UserReply> replies;
    Pool pool;

    explicit Bench(Pool::Limits limits)
        : pool(
              loop, [database = database](const Query& query) { return (*database)(query); },
              limits) {}
    ~Bench() { database->release.release(100); }

    void ask(const std::string& name) {
        pool.ask(links::NameQuery{0, name},
                 [this](links::UserReply reply) { replies.push_back(std::move(reply)); });
    }
    void wait_for_replies(std::size_t count) {
        while (replies.size() < count) loop.turn();
    }
};

}  // namespace

TEST_CASE("a slow answer does not hold up the others") {
    Bench bench({.threads = 3});
    bench.ask("slow");
    bench.ask("slow");
    for (int i = 0; i < 50; ++i) bench.ask("quick");
    bench.wait_for_replies(50);
    for (const auto& reply : bench.replies) CHECK(reply.name == "quick");
    CHECK(bench.pool.pending() == 2);
    bench.database->release.release(2);
    bench.wait_for_replies(52);
    CHECK(bench.replies.back().name == "slow");
}

TEST_CASE("what is too many to wait fails at once") {
    Bench bench({.threads = 1, .waiting = 3});
    for (int i = 0; i < 5; ++i) bench.ask("slow");
    CHECK(bench.pool.pending() == 3);
    REQUIRE(bench.replies.size() == 2);
    CHECK(bench.replies[0].lookup == Lookup::failed);
}

TEST_CASE("a database that hangs fails the questions, asked or waiting, and is asked no more") {
    Bench bench({.threads = 1, .waiting = 100, .patience = milliseconds(30)});
    for (int i = 0; i < 3; ++i) bench.ask("slow");
    bench.wait_for_replies(3);
    for (const auto& reply : bench.replies) CHECK(reply.lookup == Lookup::failed);
    CHECK(bench.pool.pending() == 0);
    bench.database->release.release(1);
    bench.ask("quick");
    bench.wait_for_replies(4);
    CHECK(bench.replies.size() == 4);  // the late answer of the first one is dropped
    CHECK(bench.replies.back().name == "quick");
    CHECK(bench.database->asked == 2);
}

TEST_CASE("a database that never comes back ends the room, which the parent starts anew") {
    Bench bench({.threads = 3, .patience = milliseconds(20), .silence = milliseconds(60)});
    Timer end(bench.loop, [&] { bench.loop.stop(0); });
    const auto run_for = [&](milliseconds time) {
        end.set(time);
        return bench.loop.run();
    };
    SECTION("with all threads") {
        std::function<void()> insist = [&] {
            bench.pool.ask(links::NameQuery{0, "slow"}, [&](const links::UserReply&) { insist(); });
        };
        for (int i = 0; i < 3; ++i) insist();
        CHECK(run_for(std::chrono::seconds(5)) == EX_UNAVAILABLE);
    }
    SECTION("but not while a thread is free") {
        bench.ask("slow");
        CHECK(run_for(milliseconds(100)) == 0);
        bench.ask("slow");
        CHECK(run_for(milliseconds(100)) == 0);
        CHECK(bench.replies.size() == 2);
    }
    SECTION("nor where it only is slow") {
        std::function<void()> insist = [&] {
            bench.database->release.release(1);
            bench.pool.ask(links::NameQuery{0, "slow"}, [&](const links::UserReply&) { insist(); });
        };
        for (int i = 0; i < 3; ++i) insist();
        CHECK(run_for(milliseconds(100)) == 0);
    }
}

TEST_CASE("a pool can go while the database is asked") {
    const auto database = std::make_shared<SlowDatabase>();
    {
        Loop loop;
        Pool pool(loop, [database](const Query& query) { return (*database)(query); },
                  {.threads = 2});
        pool.ask(links::NameQuery{0, "slow"}, [](links::UserReply) { FAIL(); });
        while (database->asked == 0) std::this_thread::yield();
    }
    database->release.release(1);
}
