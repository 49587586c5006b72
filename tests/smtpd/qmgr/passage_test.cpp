#include "smtpd/qmgr/passage.h"

#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::qmgr;
using namespace std::chrono_literals;
using links::Way;

namespace {

constexpr MonoTime start{1h};

}  // namespace

TEST_CASE("a destination gets one transaction, and more with each that it takes, up to a limit") {
    Passage passage(5);
    for (const std::size_t at_once : {1U, 2U, 4U, 5U, 5U}) {
        while (passage.admits(start)) passage.begun();
        CHECK(passage.running() == at_once);
        passage.ended(Way::usable, {}, start);
    }
}

TEST_CASE("one that took none is tried with one transaction, later each time") {
    Passage passage(20);
    MonoTime now = start;
    for (const Duration pause : {Duration(30s), Duration(1min), Duration(2min), Duration(4min),
                                 Duration(8min), Duration(15min), Duration(15min)}) {
        passage.begun();
        passage.ended(Way::unreachable, "no route to host", now);
        CHECK_FALSE(passage.open());
        CHECK(passage.pause_ends() == now + pause);
        CHECK_FALSE(passage.admits(now + pause - 1s));
        now += pause;
        REQUIRE(passage.admits(now));
    }
    passage.begun();
    CHECK_FALSE(passage.admits(now));
    CHECK(passage.since() == start);
    CHECK(passage.ended(Way::usable, {}, now).opened);
    CHECK(passage.open());
    CHECK(passage.admits(now));
}

TEST_CASE("one that turns us away while others are under way gets no more at once, but to see") {
    Passage passage(20);
    for (int i = 0; i < 20; ++i) passage.begun();
    for (int i = 0; i < 10; ++i) passage.ended(Way::unreachable, "421 too many", start);
    CHECK(passage.open());
    CHECK_FALSE(passage.admits(start));
    for (int i = 0; i < 99; ++i) {
        passage.ended(Way::usable, {}, start);
        REQUIRE(passage.admits(start));
        passage.begun();
        REQUIRE_FALSE(passage.admits(start));
    }
    passage.ended(Way::usable, {}, start);
    passage.begun();
    CHECK(passage.admits(start));  // the eleventh
}

TEST_CASE("a failure of ours closes a destination at once, and is told once") {
    Passage passage(20);
    passage.begun();
    passage.begun();
    CHECK(passage.ended(Way::broken, "535 no", start).broken);
    CHECK(passage.way() == Way::broken);
    CHECK_FALSE(passage.ended(Way::broken, "535 no", start).broken);
    const MonoTime then = passage.pause_ends();
    CHECK_FALSE(passage.admits(start));
    passage.try_now();
    REQUIRE(passage.admits(start));
    passage.begun();
    CHECK_FALSE(passage.ended(Way::unreachable, "timeout", then).broken);
    CHECK(passage.way() == Way::unreachable);
}

TEST_CASE("what was under way when an administrator wanted another try does not put it off") {
    Passage passage(20);
    passage.begun();
    passage.ended(Way::broken, "535 no", start);
    passage.try_now();
    passage.begun();
    passage.try_now();
    passage.ended(Way::broken, "535 no", start);
    REQUIRE(passage.admits(start));
    passage.begun();
    passage.ended(Way::broken, "535 no", start);
    CHECK_FALSE(passage.admits(start));
}
