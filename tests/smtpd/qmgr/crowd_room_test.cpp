// Messages with many recipients, mailboxes that hang, and who pays for them.
#include "tests/queue/fake_fs.h"
#include "tests/smtpd/qmgr/house.h"

using namespace holdfast;
using namespace holdfast::qmgr;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> tagged(const std::string& user, int count) {
    std::vector<std::string> all;
    for (int i = 0; i < count; ++i) {
        all.push_back(user + "+tag" + std::to_string(i) + "@box.example.net");
    }
    return all;
}

// In as many packets as it needs.
void send_many(House& house, std::uint64_t number, const std::vector<std::string>& recipients) {
    house.control.channel->send(links::Begin{number, house.local_envelope(), 0});
    for (std::size_t at = 0; at < recipients.size(); at += 500) {
        links::Recipients some{number, {}, {}};
        for (std::size_t i = at; i < std::min(at + 500, recipients.size()); ++i) {
            some.recipients.push_back({recipients[i], {}, notify_default});
        }
        house.control.channel->send(some);
    }
    house.control.channel->send(links::Chunk{number, "x\n\ny\n"});
    house.control.channel->send(links::End{number, 5});
    house.until([&] { return house.control.committed.contains(number); });
}

}  // namespace

TEST_CASE("an attempt at thousands of recipients of one mailbox is told in few lines") {
    House house;
    house.start();
    house.verdict = [](FakeAgent&, const Delivered&) {
        return std::optional(Outcome{Verdict::retry, "4.2.0", "the mailbox is locked", {}});
    };
    const Logged logged;
    send_many(house, 1, tagged("bob", 3000));
    house.until([&] {
        house.settle();
        return house.control.counts->deferred == 1;
    });
    CHECK(logged.lines("deferred msg=") == RoundNews::max_single + 1);
    CHECK(logged.lines("recipients=2980 mailbox=bob status=4.2.0") == 1);
}

TEST_CASE("messages with many recipients wait for each other, and ordinary mail for none of them") {
    House house;
    house.start();
    house.verdict = [](FakeAgent& agent, const Delivered&) -> std::optional<Outcome> {
        if (agent.user == "alice") return written;
        return std::nullopt;
    };
    send_many(house, 1, tagged("bob", 6000));
    house.until([&] { return house.agents.size() == 1 && house.agents[0]->jobs.size() == 1; });
    send_many(house, 2, tagged("carol", 6000));
    house.send_smtp({"alice@box.example.net"});
    house.until([&] { return house.mailbox("alice").size() == 1; });
    house.until([&] {
        house.settle();
        return house.control.counts->active == 1;
    });
    CHECK(house.control.counts->queued == 1);
    house.agents[0]->report(1, written);
    house.until([&] {
        return house.agents.back()->user == "carol" && house.agents.back()->jobs.size() == 1;
    });
    house.agents.back()->report(1, written);
    house.until([&] { return house.queued() == 0; });
}

TEST_CASE("what a former process left is read a few at a time, and all of it delivered") {
    House house;
    house.start();
    house.hold_agents = true;
    for (std::uint64_t i = 1; i <= 30; ++i) {
        send_many(house, i, i % 3 == 0 ? tagged("bob", 4000) : tagged("alice", 1));
    }
    house.kill_room();
    house.hold_agents = false;
    house.start();
    house.until([&] { return house.delivered.size() == 30 && house.queued() == 0; });
}

TEST_CASE("one user's mailbox that hangs holds few recipients in memory") {
    House house;
    house.start();
    house.verdict = [](FakeAgent& agent, const Delivered&) -> std::optional<Outcome> {
        if (agent.user == "bob") return std::nullopt;
        return written;
    };
    for (std::uint64_t i = 1; i <= 40; ++i) send_many(house, i, tagged("bob", 90));
    house.settle();
    CHECK(house.control.counts->active == Line<MailboxJob>::max_weight / 90);
    house.verdict = nullptr;
    for (auto& [number, job] : house.agents[0]->jobs) {
        house.delivered.push_back(job);
        house.agents[0]->report(number, written);
    }
    house.until([&] { return house.mailbox("bob").size() == 40 && house.queued() == 0; });
}

TEST_CASE("an agent that is silent is given up, sooner where others wait, and the parent ends it") {
    House house;
    house.snapshot.max_agents = 1;
    house.start();
    bool stopped = true;
    house.verdict = [&](FakeAgent& agent, const Delivered&) -> std::optional<Outcome> {
        if (agent.user == "bob" && stopped) return std::nullopt;
        return written;
    };
    house.send_smtp({"bob@box.example.net"});
    house.until([&] { return house.agents.size() == 1 && house.agents[0]->jobs.size() == 1; });
    house.settle();  // what it has said is heard
    SECTION("while nobody waits, after ten minutes") {
        house.clock.mono_shift += 9min;
        const MonoTime end = real_clock().mono() + 2500ms;
        house.until([&] { return real_clock().mono() > end; });
        CHECK(house.abandoned.empty());
        house.clock.mono_shift += 2min;
        house.until([&] { return house.abandoned == std::vector{house.spawns[0].request}; });
    }
    SECTION("while somebody waits for a slot, after one") {
        house.send_smtp({"alice@box.example.net"});
        house.settle();
        house.clock.mono_shift += 61s;
        house.until([&] { return house.mailbox("alice").size() == 1; });
        CHECK(house.abandoned.front() == house.spawns[0].request);
    }
    house.until([&] {
        house.settle();
        return house.control.counts->deferred == 1;
    });
}

TEST_CASE("a request for an agent that comes to nothing is withdrawn") {
    House house;
    house.start();
    house.hold_agents = true;
    house.send_smtp({"bob@box.example.net"});
    house.until([&] { return house.spawns.size() == 1; });
    house.clock.mono_shift += Agents::patience;
    house.until([&] { return house.abandoned == std::vector{house.spawns[0].request}; });
}

TEST_CASE("a message that is parked again and again is remembered, and called for, once") {
    queue::FakeFileSystem fs;
    Loop loop;
    auto spool = Spool::open(loop, fs, fs.open_root(), 1);
    REQUIRE(spool);
    std::vector<MessageId> called;
    Agents agents(loop, **spool, 1,
                  {[](const links::SpawnMda&) {}, [](links::AbandonMda) {},
                   [&](const MessageId& id) { called.push_back(id); }});
    const MessageId first = MessageId::generate(real_clock().wall());
    const MessageId second = MessageId::generate(real_clock().wall() + 1s);
    for (int flush = 0; flush < 3; ++flush) {
        agents.park("bob", second, 90);
        agents.park("bob", first, 90);
    }
    while (called.empty()) loop.turn();
    CHECK(called == std::vector{first, second});
}
