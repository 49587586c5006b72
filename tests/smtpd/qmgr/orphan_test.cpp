// The parent is killed: its qmgr finishes what it has in hand and lets another one schedule.
#include "tests/smtpd/qmgr/house.h"

using namespace holdfast;
using namespace holdfast::qmgr;
using namespace std::chrono_literals;

TEST_CASE(
    "a qmgr without a parent keeps the lock until nothing is in hand, and goes on committing") {
    House orphan;
    orphan.start();
    orphan.verdict = [](FakeAgent&, const Delivered&) { return std::optional<Outcome>(); };
    orphan.send_smtp({"alice@box.example.net"});
    orphan.until([&] { return !orphan.agents.empty() && orphan.agents.front()->jobs.size() == 1; });
    orphan.parent.reset();
    orphan.settle();

    // Another parent's, which knows nothing of what the orphan has in hand.
    House other(orphan);
    other.schedules = true;
    other.begin();
    orphan.send_smtp({"bob@box.example.net"});
    other.until([&] { return orphan.smtpin.committed.size() == 2; });
    other.settle();
    CHECK(other.spawns.empty());
    CHECK(other.control.counts->trouble.find("another process") != std::string::npos);

    FakeAgent& agent = *orphan.agents.front();
    orphan.delivered.push_back(agent.jobs.begin()->second);
    agent.report(agent.jobs.begin()->first, written);
    other.until([&] { return other.delivered.size() == 1 && other.queued() == 0; });
    CHECK(other.mailbox("bob").size() == 1);
    orphan.send_smtp({"carol@box.example.net"});
    other.until([&] { return other.mailbox("carol").size() == 1; });
    CHECK(orphan.spawns.size() == 1);

    orphan.smtpin.channel.reset();
    orphan.control.channel.reset();
    CHECK(orphan.loop.run() == 0);
}
