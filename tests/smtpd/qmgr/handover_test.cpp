// One queue, two generations: two rooms on one spool, and the test as the parent between them.
#include <algorithm>

#include <sysexits.h>

#include "queue/layout.h"
#include "tests/smtpd/qmgr/house.h"

using namespace holdfast;
using namespace holdfast::qmgr;
using namespace std::chrono_literals;

namespace {

std::optional<Outcome> silence(FakeAgent&, const Delivered&) {
    return std::nullopt;
}

// An old generation whose agent has a message for alice in its hands, and a new one beside it.
struct Pair {
    Pair() : young(old) {
        old.start();
        young.begin();
    }

    MessageId hold_one(const std::string& recipient = "alice@box.example.net") {
        old.verdict = silence;
        const std::size_t before = old.agents.size();
        old.send_local({recipient});
        old.until([&] { return old.agents.size() > before && !old.agents.back()->jobs.empty(); });
        return old.agents.back()->jobs.begin()->second.deliver.id;
    }

    void report(const Outcome& outcome) {
        FakeAgent& agent = *old.agents.front();
        if (outcome.verdict == Verdict::delivered) {
            old.delivered.push_back(agent.jobs.begin()->second);
        }
        agent.report(agent.jobs.begin()->first, outcome);
    }

    std::size_t delivered_to(const std::string& user) const {
        return old.mailbox(user).size() + young.mailbox(user).size();
    }

    House old;
    House young;
};

}  // namespace

TEST_CASE("what an agent has in hand at the handover is nobody else's until it is settled") {
    Pair pair;
    const MessageId held = pair.hold_one();
    pair.young.take_over();
    CHECK(pair.old.in_hand() == std::vector{held});
    CHECK(pair.young.control.counts->active == 1);
    pair.young.flush();
    pair.young.settle();
    CHECK(pair.young.spawns.empty());

    SECTION("delivered there") {
        pair.report(written);
        pair.young.until([&] { return pair.old.settled == std::vector{held}; });
        pair.young.until([&] {
            pair.young.settle();
            return pair.young.control.counts->active == 0;
        });
        CHECK(pair.delivered_to("alice") == 1);
        CHECK(pair.young.spawns.empty());
    }
    SECTION("refused there temporarily: the new one goes by its log") {
        pair.report({Verdict::retry, "4.2.2", "full", {}});
        pair.young.until([&] {
            pair.young.settle();
            return pair.young.control.counts->deferred == 1;
        });
        CHECK(pair.young.spawns.empty());
        pair.young.flush();
        pair.young.until([&] { return pair.young.delivered.size() == 1; });
        CHECK(pair.young.delivered.front().deliver.repeated);
    }
    SECTION("with an old process that was killed: the parent settles it, and agents look first") {
        pair.old.kill_room();
        pair.young.settle();
        CHECK(pair.young.spawns.empty());
        pair.young.parent->send(links::Settled{{held}});
        pair.young.until([&] { return pair.young.delivered.size() == 1; });
        CHECK(pair.young.delivered.front().deliver.repeated);
    }
    pair.young.until([&] { return pair.young.queued() == 0; });
    CHECK(pair.delivered_to("alice") == 1);
}

TEST_CASE("what waits at the handover is given up, and taken over") {
    Pair pair;
    SECTION("for another attempt") {
        pair.old.verdict = [](FakeAgent&, const Delivered&) {
            return std::optional(Outcome{Verdict::retry, "4.2.2", "full", {}});
        };
        pair.old.send_smtp({"bob@box.example.net"});
        pair.old.until([&] {
            pair.old.settle();
            return pair.old.control.counts->deferred == 1;
        });
    }
    SECTION("for an agent") {
        pair.old.hold_agents = true;
        pair.old.send_smtp({"bob@box.example.net"});
        pair.old.until([&] { return pair.old.spawns.size() == 1; });
    }
    SECTION("for the user database") {
        pair.old.users.silent = true;
        pair.old.send_smtp({"bob@box.example.net"});
        pair.old.until([&] { return pair.old.users.queries == 1; });
    }
    pair.young.take_over();
    CHECK(pair.old.in_hand().empty());
    pair.young.flush();
    pair.young.until([&] { return pair.young.delivered.size() == 1 && pair.young.queued() == 0; });
    CHECK(pair.delivered_to("bob") == 1);
    pair.young.settle();
    CHECK(pair.old.settled.empty());
}

TEST_CASE("of a message in hand the recipients that were not begun are left to the new one") {
    Pair pair;
    pair.old.verdict = silence;
    // bob's agent never comes.
    pair.old.send_local({"alice@box.example.net"});
    pair.old.until([&] { return pair.old.agents.size() == 1; });
    pair.old.hold_agents = true;
    pair.old.send_local({"alice@box.example.net", "bob@box.example.net"});
    pair.old.until([&] { return pair.old.agents.front()->jobs.size() == 2; });
    pair.young.take_over();
    CHECK(pair.old.in_hand().size() == 2);
    pair.report(written);
    FakeAgent& agent = *pair.old.agents.front();
    pair.old.delivered.push_back(agent.jobs.rbegin()->second);
    agent.report(agent.jobs.rbegin()->first, written);
    pair.young.until([&] { return pair.young.queued() == 0; });
    CHECK(pair.young.mailbox("alice").empty());
    CHECK(pair.young.mailbox("bob").size() == 1);
    CHECK(pair.old.mailbox("bob").empty());
}

TEST_CASE(
    "a recipient that is refused while in hand gives one bounce, which the new one delivers") {
    Pair pair;
    const MessageId held = pair.hold_one("bob@box.example.net");
    pair.young.take_over();
    pair.report({Verdict::refused, "5.2.1", "no longer here", {}});
    pair.young.until([&] { return pair.young.mailbox("alice").size() == 1; });
    pair.young.until([&] { return pair.young.queued() == 0; });
    pair.young.until([&] { return pair.old.settled == std::vector{held}; });
    pair.young.settle();
    CHECK(pair.delivered_to("alice") == 1);
    CHECK(pair.old.spawns.size() == 1);
}

TEST_CASE("what the old generation commits after the handover is delivered by the new one") {
    Pair pair;
    pair.young.take_over();
    for (int i = 0; i < 50; ++i) {
        pair.old.send_smtp({"alice@box.example.net"});
        pair.young.send_smtp({"bob@box.example.net"});
    }
    pair.young.until(
        [&] { return pair.young.delivered.size() == 100 && pair.young.queued() == 0; });
    pair.young.settle();
    CHECK(pair.old.spawns.empty());
    CHECK(pair.young.mailbox("alice").size() == 50);
    CHECK(pair.young.mailbox("bob").size() == 50);
    // Nobody has begun them before.
    CHECK(std::ranges::none_of(pair.young.delivered,
                               [](const auto& one) { return one.deliver.repeated; }));
}

TEST_CASE("a process that comes back to commit for an old generation is heard of") {
    Logged logged;
    Pair pair;
    pair.young.take_over();
    pair.old.kill_room();
    pair.young.until([&] { return logged.lines(" others-gone") == 1; });
    pair.young.send_smtp({"bob@box.example.net"});
    pair.young.until([&] { return pair.young.delivered.size() == 1; });

    pair.old.schedules = false;
    pair.old.begin();
    pair.old.send_smtp({"alice@box.example.net"});
    pair.old.until([&] { return pair.old.smtpin.committed.size() == 1; });
    pair.old.kill_room();  // before anybody could ask whether it is there
    pair.young.until([&] { return pair.young.delivered.size() == 2 && pair.young.queued() == 0; });
    pair.young.until([&] { return logged.lines(" others-gone") == 2; });
}

TEST_CASE("one submission handed to two generations at once is one message") {
    Pair pair;
    pair.young.take_over();
    for (int i = 0; i < 20; ++i) {
        const MessageId id = pair.old.new_id();
        const auto there = pair.old.send_local({"alice@box.example.net"}, id);
        const auto here = pair.young.send_local({"alice@box.example.net"}, id);
        const auto answered = [](const FakeControl& control, std::uint64_t number) {
            return control.committed.contains(number) || control.rejected.contains(number);
        };
        pair.young.until([&] {
            return answered(pair.old.control, there) && answered(pair.young.control, here);
        });
        // Settled at this very moment: asked to come again, when it is told that all is well.
        CHECK(pair.old.control.committed.contains(there) +
                  pair.young.control.committed.contains(here) >=
              1);
        pair.young.until([&] { return pair.young.queued() == 0; });
        CHECK(pair.young.delivered.size() == static_cast<std::size_t>(i) + 1);
    }
}

TEST_CASE("a generation that never scheduled has nothing to let go of") {
    House house;
    house.schedules = false;
    house.begin();
    house.send_smtp({"alice@box.example.net"});
    house.until([&] { return house.smtpin.committed.size() == 1; });
    house.parent->send(links::Release());
    house.until([&] { return house.released.size() == 1; });
    CHECK(house.in_hand().empty());
    house.settle();
    CHECK(house.spawns.empty());
    CHECK(house.queued() == 1);
}

TEST_CASE("the lock is held until what was being read is let go of") {
    Pair pair;
    // As many as fit are being loaded when the order comes, the others wait.
    for (int i = 0; i < 200; ++i) pair.old.send_smtp({"alice@box.example.net"});
    pair.old.hold_agents = true;
    pair.old.until([&] { return pair.old.smtpin.committed.size() == 200; });
    pair.old.flush();
    pair.young.take_over();
    pair.young.until([&] { return pair.young.queued() == 0; });
    CHECK(pair.delivered_to("alice") == 200);
}

TEST_CASE("a second Schedule replaces what is held, and both may come in parts") {
    Pair pair;
    const MessageId first = pair.hold_one();
    const MessageId second = pair.hold_one("bob@box.example.net");
    pair.old.kill_room();
    pair.young.parent->send(links::Schedule{{first}, true});
    pair.young.parent->send(links::Schedule{{second}, false});
    pair.young.until([&] {
        pair.young.settle();
        return pair.young.control.counts->trouble.empty();
    });
    pair.young.settle();
    CHECK(pair.young.spawns.empty());
    pair.young.parent->send(links::Schedule{{second}, false});
    pair.young.until([&] { return pair.young.delivered.size() == 1; });
    pair.young.settle();
    CHECK(pair.young.delivered.front().deliver.id == first);
    pair.young.until([&] { return pair.young.queued() == 1; });
    pair.young.settle();
    CHECK(pair.young.delivered.size() == 1);
    pair.young.parent->send(links::Schedule());
    pair.young.until([&] { return pair.young.queued() == 0; });
}

TEST_CASE("a message that another generation has in hand is removed when it is at rest") {
    Pair pair;
    const MessageId held = pair.hold_one();
    pair.young.take_over();
    pair.young.control.channel->send(links::RemoveQuery{7, {held}, socket_pair().first});
    pair.young.settle();
    CHECK(pair.young.control.finished.empty());
    pair.report({Verdict::retry, "4.2.2", "full", {}});
    pair.young.until([&] { return pair.young.control.finished.size() == 1; });
    CHECK(pair.young.control.finished.front().status == EX_OK);
    CHECK(pair.young.queued() == 0);
}

TEST_CASE("a question about the queue waits until the queue is known here, for some seconds") {
    Pair pair;
    pair.hold_one();
    pair.young.control.channel->send(links::ListQuery{3, {}});
    pair.young.settle();
    CHECK(pair.young.control.lists.empty());
    CHECK(pair.young.control.counts->trouble.find("older generation") != std::string::npos);
    SECTION("then it is answered") {
        pair.young.take_over();
        pair.young.until([&] { return pair.young.control.lists.size() == 1; });
        CHECK(pair.young.control.lists.front().items.size() == 1);
        // Where the queue was, it is not any more.
        pair.old.control.channel->send(links::ListQuery{4, {}});
        pair.young.until([&] { return pair.old.control.finished.size() == 1; });
        CHECK(pair.old.control.finished.front().status == EX_TEMPFAIL);
    }
    SECTION("or refused") {
        pair.young.clock.mono_shift += ControlPeer::patience;
        pair.young.until([&] { return pair.young.control.finished.size() == 1; });
        CHECK(pair.young.control.finished.front().status == EX_TEMPFAIL);
    }
}
