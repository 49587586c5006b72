#include "smtpd/parent/queue_token.h"

#include <algorithm>

#include "smtpd/base/clock.h"
#include "tests/catch.h"

using namespace holdfast;

namespace {

// What the qmgrs are told, as text: "2 schedule 1" (one message in hand elsewhere).
struct Qmgrs {
    std::vector<std::string> told;
    QueueToken token{[this](std::uint32_t generation, links::ParentToQmgr message) {
        const std::string to = std::to_string(generation);
        if (std::holds_alternative<links::Release>(message)) told.push_back(to + " release");
        if (const auto* schedule = std::get_if<links::Schedule>(&message)) {
            told.push_back(to + " schedule " + std::to_string(schedule->in_hand.size()) +
                           (schedule->more ? " more" : ""));
        }
        if (const auto* settled = std::get_if<links::Settled>(&message)) {
            told.push_back(to + " settled " + std::to_string(settled->ids.size()));
        }
    }};

    // The first generation schedules, the second is up.
    void two_generations() {
        token.qmgr_up(1);
        token.pass_to(1);
        token.qmgr_up(2);
        token.pass_to(2);
        told.clear();
    }
};

std::vector<MessageId> ids(std::size_t count) {
    std::vector<MessageId> result;
    for (std::size_t i = 0; i < count; ++i) {
        result.push_back(MessageId::generate(real_clock().wall()));
    }
    return result;
}

using Told = std::vector<std::string>;

}  // namespace

TEST_CASE("the first generation schedules as soon as it is up") {
    Qmgrs qmgrs;
    SECTION("nobody unknown delivers") {
        qmgrs.token.go_on();
        qmgrs.token.qmgr_up(1);
        qmgrs.token.pass_to(1);
    }
    SECTION("up before it serves") {
        qmgrs.token.qmgr_up(1);
        qmgrs.token.pass_to(1);
    }
    SECTION("up later") {
        qmgrs.token.pass_to(1);
        qmgrs.token.qmgr_up(1);
    }
    CHECK(qmgrs.told == Told{"1 schedule 0"});
}

TEST_CASE("that nobody unknown delivers may be known before there is a generation") {
    Qmgrs qmgrs;
    qmgrs.token.go_on();
    qmgrs.token.qmgr_up(1);
    qmgrs.token.pass_to(1);
    CHECK(qmgrs.told == Told{"1 schedule 0"});
}

TEST_CASE("the next generation schedules when the one before it has let go, and not before") {
    Qmgrs qmgrs;
    qmgrs.token.qmgr_up(1);
    qmgrs.token.pass_to(1);
    qmgrs.token.qmgr_up(2);
    qmgrs.token.pass_to(2);
    CHECK(qmgrs.told == Told{"1 schedule 0", "1 release"});
    qmgrs.told.clear();
    const auto in_hand = ids(2);
    qmgrs.token.on(1, links::Released{{in_hand[0]}, true});
    CHECK(qmgrs.told.empty());
    qmgrs.token.on(1, links::Released{{in_hand[1]}, false});
    CHECK(qmgrs.told == Told{"2 schedule 2"});
    qmgrs.token.on(1, links::Settled{in_hand});
    CHECK(qmgrs.told.back() == "2 settled 2");
}

TEST_CASE("what was settled before the schedule is passed on is not told twice") {
    Qmgrs qmgrs;
    qmgrs.two_generations();
    const auto in_hand = ids(2);
    qmgrs.token.on(1, links::Released{in_hand, true});
    qmgrs.token.on(1, links::Settled{{in_hand[0]}});
    qmgrs.token.on(1, links::Released{});
    CHECK(qmgrs.told == Told{"2 schedule 1"});
}

TEST_CASE("a qmgr that dies with the schedule passes it on when its agents have ended") {
    Qmgrs qmgrs;
    qmgrs.two_generations();
    qmgrs.token.qmgr_down(1, QueueToken::Agents::alive);
    CHECK(qmgrs.told.empty());
    SECTION("its generation needs it no more") {
        qmgrs.token.dead(1);
        CHECK(qmgrs.told == Told{"2 schedule 0"});
    }
    SECTION("another takes its place, and holds nothing") {
        qmgrs.token.qmgr_up(1);
        CHECK(qmgrs.told == Told{"1 release"});
        qmgrs.token.on(1, links::Released{});
        CHECK(qmgrs.told.size() == 1);
        qmgrs.token.dead(1);
        CHECK(qmgrs.told.back() == "2 schedule 0");
    }
}

TEST_CASE("what a dead qmgr had in hand is free when its agents have ended") {
    Qmgrs qmgrs;
    qmgrs.two_generations();
    qmgrs.token.on(1, links::Released{ids(3), false});
    qmgrs.token.qmgr_down(1, QueueToken::Agents::alive);
    qmgrs.token.qmgr_up(1);
    CHECK(qmgrs.told == Told{"2 schedule 3", "1 release"});
    qmgrs.token.dead(1);
    CHECK(qmgrs.told.back() == "2 settled 3");
}

TEST_CASE("agents that end while their qmgr lives free nothing") {
    Qmgrs qmgrs;
    qmgrs.two_generations();
    qmgrs.token.on(1, links::Released{ids(1), false});
    qmgrs.token.dead(1);
    CHECK(qmgrs.told == Told{"2 schedule 1"});
}

TEST_CASE("the scheduler that comes back is told again what others have in hand") {
    Qmgrs qmgrs;
    qmgrs.two_generations();
    qmgrs.token.on(1, links::Released{ids(2), false});
    qmgrs.token.qmgr_down(2, QueueToken::Agents::alive);
    qmgrs.token.qmgr_up(2);
    CHECK(qmgrs.told == Told{"2 schedule 2", "2 schedule 2"});
}

TEST_CASE("a third generation waits for both before it, and hears what either has in hand") {
    Qmgrs qmgrs;
    qmgrs.two_generations();
    qmgrs.token.on(1, links::Released{ids(1), false});
    qmgrs.token.qmgr_up(3);
    qmgrs.told.clear();
    qmgrs.token.pass_to(3);
    CHECK(qmgrs.told == Told{"2 release"});
    qmgrs.token.on(2, links::Released{ids(1), false});
    CHECK(qmgrs.told.back() == "3 schedule 2");
}

TEST_CASE("many ids go in several messages") {
    Qmgrs qmgrs;
    qmgrs.two_generations();
    qmgrs.token.on(1, links::Released{ids(links::max_ids_in_message + 1), false});
    CHECK(qmgrs.told == Told{"2 schedule 2000 more", "2 schedule 1"});
}

TEST_CASE("another program in the same process goes on where the token was") {
    Qmgrs qmgrs;
    qmgrs.two_generations();
    qmgrs.token.on(1, links::Released{ids(1), false});
    Qmgrs heir;
    heir.token.adopt(1, qmgrs.token.hold(1), QueueToken::Qmgr::up);
    heir.token.adopt(2, qmgrs.token.hold(2), QueueToken::Qmgr::up);
    heir.token.on(1, links::Settled{ids(1)});
    CHECK(heir.told == Told{"2 settled 1"});
}

TEST_CASE("a newcomer that fails never schedules, and keeps nobody from it") {
    Qmgrs qmgrs;
    qmgrs.token.qmgr_up(1);
    qmgrs.token.pass_to(1);
    qmgrs.token.qmgr_up(2);
    CHECK(qmgrs.told == Told{"1 schedule 0"});
    qmgrs.token.withdraw(2);
    CHECK(qmgrs.told.back() == "2 release");
    SECTION("the one that serves is started again") {
        qmgrs.token.qmgr_down(1, QueueToken::Agents::gone);
        qmgrs.token.qmgr_up(1);
        CHECK(qmgrs.told.back() == "1 schedule 0");
    }
    SECTION("it is started again itself") {
        qmgrs.told.clear();
        qmgrs.token.qmgr_down(2, QueueToken::Agents::gone);
        qmgrs.token.qmgr_up(2);
        CHECK(qmgrs.told == Told{"2 release"});
    }
    SECTION("the next one gets the schedule") {
        qmgrs.token.qmgr_up(3);
        qmgrs.token.pass_to(3);
        qmgrs.token.on(1, links::Released{});
        CHECK(qmgrs.told.back() == "3 schedule 0");
    }
    SECTION("another program takes over") {
        const QueueToken::Hold first = qmgrs.token.hold(1);
        const QueueToken::Hold second = qmgrs.token.hold(2);
        Qmgrs later;
        later.token.adopt(2, second, QueueToken::Qmgr::up);
        later.token.adopt(1, first, QueueToken::Qmgr::up);
        later.token.qmgr_down(1, QueueToken::Agents::gone);
        later.token.qmgr_up(1);
        CHECK(later.told == Told{"1 schedule 0"});
    }
}

TEST_CASE(
    "a qmgr that dies before its generation serves schedules all the same, and lets go later") {
    Qmgrs qmgrs;
    SECTION("at the first start") {
        qmgrs.token.qmgr_up(1);
        qmgrs.token.qmgr_down(1, QueueToken::Agents::gone);
        qmgrs.token.qmgr_up(1);
        qmgrs.token.pass_to(1);
        CHECK(qmgrs.told == Told{"1 schedule 0"});
        qmgrs.token.qmgr_up(2);
        qmgrs.token.pass_to(2);
        CHECK(qmgrs.told.back() == "1 release");
        qmgrs.token.on(1, links::Released{});
    }
    SECTION("at a change") {
        qmgrs.token.qmgr_up(1);
        qmgrs.token.pass_to(1);
        qmgrs.token.qmgr_up(2);
        qmgrs.token.qmgr_down(2, QueueToken::Agents::gone);
        qmgrs.token.qmgr_up(2);
        qmgrs.token.pass_to(2);
        CHECK(qmgrs.told == Told{"1 schedule 0", "1 release"});
        qmgrs.token.on(1, links::Released{});
    }
    CHECK(qmgrs.told.back() == "2 schedule 0");
}

TEST_CASE("a generation that takes over while the qmgr before it is down waits for nobody") {
    Qmgrs qmgrs;
    qmgrs.token.qmgr_up(1);
    qmgrs.token.pass_to(1);
    qmgrs.token.qmgr_down(1, QueueToken::Agents::gone);
    qmgrs.token.qmgr_up(2);
    qmgrs.told.clear();
    qmgrs.token.pass_to(2);
    CHECK(qmgrs.told == Told{"2 schedule 0"});
    SECTION("it comes back") {
        qmgrs.token.qmgr_up(1);
        CHECK(qmgrs.told.back() == "1 release");
        qmgrs.token.on(1, links::Released{});
    }
    SECTION("it is over before that") {
        qmgrs.token.forget(1);
    }
    CHECK(std::ranges::count(qmgrs.told, "2 schedule 0") == 1);
}

TEST_CASE("a generation that is over keeps nobody waiting") {
    Qmgrs qmgrs;
    qmgrs.two_generations();
    qmgrs.token.qmgr_down(1, QueueToken::Agents::alive);
    CHECK(qmgrs.told.empty());
    qmgrs.token.forget(1);
    CHECK(qmgrs.told == Told{"2 schedule 0"});
}

TEST_CASE("another program goes on to wait where the one before it did") {
    Qmgrs qmgrs;
    qmgrs.two_generations();
    Qmgrs later;
    later.token.adopt(1, qmgrs.token.hold(1), QueueToken::Qmgr::up);
    later.token.adopt(2, qmgrs.token.hold(2), QueueToken::Qmgr::up);
    SECTION("the older one lets go") {
        later.token.on(1, links::Released{});
        CHECK(later.told == Told{"2 schedule 0"});
    }
    SECTION("strangers were at work") {
        later.token.hold_back();
        later.token.on(1, links::Released{});
        CHECK(later.told.empty());
        later.token.go_on();
        CHECK(later.told == Told{"2 schedule 0"});
    }
}

TEST_CASE("nobody schedules while strangers may be delivering") {
    Qmgrs qmgrs;
    qmgrs.token.hold_back();
    qmgrs.token.qmgr_up(1);
    qmgrs.token.pass_to(1);
    CHECK(qmgrs.told.empty());
    qmgrs.token.go_on();
    qmgrs.token.go_on();
    CHECK(qmgrs.told == Told{"1 schedule 0"});
}
