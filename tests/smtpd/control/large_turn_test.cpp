#include "smtpd/control/large_turn.h"

#include <vector>

#include "tests/catch.h"

using holdfast::control::LargeTurn;

TEST_CASE("one has the turn at a time, and it passes on when it is given back") {
    LargeTurn turn;
    std::vector<int> granted;
    const auto first = turn.ask(1, [&] { granted.push_back(1); });
    const auto second = turn.ask(2, [&] { granted.push_back(2); });
    CHECK(granted == std::vector{1});
    turn.leave(first);
    CHECK(granted == std::vector{1, 2});
    turn.leave(second);
    turn.ask(3, [&] { granted.push_back(3); });
    CHECK(granted == std::vector{1, 2, 3});
}

TEST_CASE("a user who asks many times does not keep the turn from another") {
    LargeTurn turn;
    std::vector<int> granted;
    const auto mine = turn.ask(1, [&] { granted.push_back(1); });
    turn.ask(1, [&] { granted.push_back(2); });
    turn.ask(1, [&] { granted.push_back(3); });
    turn.ask(7, [&] { granted.push_back(7); });
    turn.leave(mine);
    CHECK(granted == std::vector{1, 7});
}

TEST_CASE("who leaves the queue is not granted the turn") {
    LargeTurn turn;
    bool called = false;
    const auto first = turn.ask(1, [] {});
    const auto second = turn.ask(2, [&] { called = true; });
    turn.leave(second);
    turn.leave(first);
    CHECK_FALSE(called);
}
