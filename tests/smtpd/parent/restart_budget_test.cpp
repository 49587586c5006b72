#include "smtpd/parent/restart_budget.h"

#include "tests/catch.h"

using namespace holdfast;
using namespace std::chrono_literals;

TEST_CASE("a room that dies now and then is started again at once") {
    RestartBudget budget;
    MonoTime now(1h);
    for (int i = 0; i < 100; ++i, now += 1s) REQUIRE(budget.take(now) == 0s);
    REQUIRE(budget.restarts() == 100);
}

TEST_CASE("a room that dies at every start is started ten times at once and then every second") {
    RestartBudget budget;
    MonoTime now(1h);
    for (std::uint32_t i = 0; i < RestartBudget::burst; ++i) REQUIRE(budget.take(now) == 0s);
    for (int i = 0; i < 5; ++i) {
        const Duration wait = budget.take(now);
        REQUIRE(wait == 1s);
        now += wait;
    }
}

TEST_CASE("a quiet time restores the whole burst and no more") {
    RestartBudget budget;
    MonoTime now(1h);
    for (int i = 0; i < 50; ++i) budget.take(now);
    now += 24h;
    for (std::uint32_t i = 0; i < RestartBudget::burst; ++i) REQUIRE(budget.take(now) == 0s);
    REQUIRE(budget.take(now) > 0s);
}
