#include "queue/layout.h"
#include "tests/smtpd/qmgr/house.h"

using namespace holdfast;
using namespace holdfast::qmgr;
using namespace std::chrono_literals;

TEST_CASE("a message from smtpin is committed, delivered and gone") {
    House house;
    house.start();
    const auto number = house.send_smtp({"alice@box.example.net"}, "Subject: x\n\nhello\n");
    house.until([&] { return house.smtpin.committed.contains(number); });
    house.until([&] { return house.mailbox("alice").size() == 1 && house.queued() == 0; });
    const Delivered mail = house.mailbox("alice").front();
    CHECK(mail.body == "Subject: x\n\nhello\n");
    CHECK(mail.deliver.return_path == "someone@example.org");
    CHECK(mail.deliver.delivered_to == "alice@box.example.net");
    CHECK(mail.deliver.admitted > 0);
    CHECK_FALSE(mail.deliver.repeated);
    house.until([&] {  // forgotten once the removal is on disk
        house.settle();
        return house.control.counts->active == 0;
    });
    CHECK(house.control.counts->queued + house.control.counts->deferred == 0);
}

TEST_CASE("a message of many windows goes in and out whole") {
    House house;
    house.start();
    std::string body = "Subject: large\n\n";
    while (body.size() < 2'000'000) body += std::to_string(body.size()) + " bottles of beer\n";
    // smtpin keeps to its window: it sends on credit.
    const Envelope envelope = house.smtp_envelope();
    house.smtpin.channel->send(links::Begin{1, envelope, 0});
    house.smtpin.channel->send(
        links::Recipients{1, {{"alice@box.example.net", {}, notify_default}}, {}});
    std::size_t sent = 0;
    while (sent < body.size()) {
        house.until([&] { return sent - house.smtpin.credit + max_chunk <= links::window; });
        house.smtpin.channel->send(links::Chunk{1, body.substr(sent, max_chunk)});
        sent += std::min(max_chunk, body.size() - sent);
    }
    house.smtpin.channel->send(links::End{1, body.size()});
    house.until([&] { return house.mailbox("alice").size() == 1 && house.queued() == 0; });
    CHECK(house.mailbox("alice").front().body == body);
    CHECK(house.files("tmp").empty());
}

TEST_CASE("a burst to one user shares one agent, and each message arrives once") {
    House house;
    house.start();
    for (int i = 0; i < 300; ++i) house.send_smtp({"alice@box.example.net"});
    house.until([&] { return house.delivered.size() == 300 && house.queued() == 0; });
    CHECK(house.spawns.size() == 1);
    std::set<MessageId> ids;
    for (const Delivered& mail : house.delivered) ids.insert(mail.deliver.id);
    CHECK(ids.size() == 300);
}

TEST_CASE("recipients that lead to the same mailbox deliver into it once") {
    House house;
    house.start();
    house.alias("team", {"alice", "bob"});
    house.send_smtp({"alice@box.example.net", "team@box.example.net", "Alice+x@localhost"});
    house.until([&] { return house.delivered.size() == 2 && house.queued() == 0; });
    CHECK(house.mailbox("alice").size() == 1);
    CHECK(house.mailbox("bob").size() == 1);
    CHECK(house.mailbox("bob").front().deliver.delivered_to == "team@box.example.net");
}

TEST_CASE("an agent that is killed loses nothing: the message is tried again, and told to look") {
    House house;
    house.start();
    bool killed = false;
    house.verdict = [&](FakeAgent& agent, const Delivered&) -> std::optional<Outcome> {
        if (killed) return written;
        killed = true;
        house.loop.after_turn([&agent] { agent.channel.reset(); });
        return std::nullopt;
    };
    house.send_smtp({"alice@box.example.net"});
    house.until([&] { return killed; });
    house.until([&] {
        house.settle();
        return house.control.counts->deferred == 1;
    });
    house.flush();
    house.until([&] { return house.delivered.size() == 1 && house.queued() == 0; });
    CHECK(house.delivered.front().deliver.repeated);
    CHECK(house.spawns.size() == 2);
}

TEST_CASE("a mailbox that is full is tried again, and the rest is not delivered twice") {
    House house;
    house.start();
    bool full = true;
    house.verdict = [&](FakeAgent& agent, const Delivered&) -> std::optional<Outcome> {
        if (agent.user == "bob" && full) return Outcome{Verdict::retry, "4.2.2", "full", {}};
        return written;
    };
    house.send_smtp({"alice@box.example.net", "bob@box.example.net"});
    house.until([&] {
        house.settle();
        return house.control.counts->deferred == 1;
    });
    CHECK(house.mailbox("alice").size() == 1);

    SECTION("by the same process") {}
    SECTION("by the one that comes after a SIGKILL") {
        house.kill_room();
        house.start();
    }
    full = false;
    house.until([&] {
        house.flush();
        house.settle();
        return house.queued() == 0;
    });
    CHECK(house.mailbox("alice").size() == 1);
    CHECK(house.mailbox("bob").size() == 1);
}

TEST_CASE("a success is on disk while other recipients of the message are still in hand") {
    House house;
    house.start();
    house.verdict = [](FakeAgent& agent, const Delivered&) -> std::optional<Outcome> {
        if (agent.user == "bob") return std::nullopt;
        return written;
    };
    house.send_smtp({"alice@box.example.net", "bob@box.example.net"});
    house.until([&] { return house.mailbox("alice").size() == 1; });
    house.settle();
    house.kill_room();
    house.verdict = nullptr;
    house.start();
    house.until([&] { return house.mailbox("bob").size() == 1 && house.queued() == 0; });
    CHECK(house.mailbox("alice").size() == 1);
}

TEST_CASE("what a former process left is delivered, and its agents are told to look first") {
    House house;
    house.start();
    house.hold_agents = true;
    house.send_smtp({"alice@box.example.net"});
    house.until([&] { return house.smtpin.committed.size() == 1; });
    house.kill_room();
    CHECK(house.queued() == 1);
    house.hold_agents = false;
    house.start();
    house.until([&] { return house.delivered.size() == 1 && house.queued() == 0; });
    CHECK(house.delivered.front().deliver.repeated);
}

TEST_CASE("nothing is delivered while another process schedules the spool") {
    House house;
    auto other = queue::Store::open(queue::real_file_system(),
                                    std::move(*queue::open_spool(house.spool.c_str())));
    REQUIRE(other);
    auto lock = (*other)->try_lock();
    REQUIRE((lock && *lock));
    house.begin();
    house.send_smtp({"alice@box.example.net"});
    house.until([&] { return house.smtpin.committed.size() == 1; });
    house.settle();
    CHECK(house.control.counts->trouble.find("another process") != std::string::npos);
    CHECK(house.spawns.empty());
    lock->reset();
    house.until([&] { return house.delivered.size() == 1 && house.queued() == 0; });
}

TEST_CASE("a damaged file goes to quarantine, is reported, and stops nobody else (F47)") {
    House house;
    house.start();
    house.hold_agents = true;
    house.send_smtp({"alice@box.example.net"}, "Subject: x\n\n" + std::string(3000, 'a'));
    house.until([&] { return house.smtpin.committed.size() == 1; });
    house.kill_room();
    const std::string path = house.spool + "/queue/" + house.files("queue").front();
    FILE* file = fopen(path.c_str(), "r+");
    REQUIRE(file != nullptr);
    fseek(file, 1500, SEEK_SET);
    fputc('b', file);
    fclose(file);
    house.hold_agents = false;
    house.start();
    house.until([&] { return house.files("quarantine").size() == 1; });
    house.send_smtp({"alice@box.example.net"});
    house.until([&] { return house.delivered.size() == 1 && house.queued() == 0; });
    house.settle();
    CHECK(house.control.counts->quarantined == 1);
    CHECK(house.control.counts->deferred == 0);
}

TEST_CASE("an unknown user of a local submission comes back as a bounce, once") {
    House house;
    house.start();
    const auto number = house.send_local({"nobody@box.example.net", "bob@box.example.net"});
    house.until([&] { return house.control.committed.contains(number); });
    house.until([&] { return house.delivered.size() == 2 && house.queued() == 0; });
    REQUIRE(house.mailbox("alice").size() == 1);
    const Delivered bounce = house.mailbox("alice").front();
    CHECK(bounce.deliver.return_path.empty());
    CHECK(bounce.body.find("nobody@box.example.net") != std::string::npos);
    CHECK(bounce.body.find("Status: 5.1.1") != std::string::npos);
    CHECK(house.mailbox("bob").size() == 1);
}

TEST_CASE("F41 a bounce that bounces is told to the postmaster once") {
    House house;
    house.start();
    house.users.names = {"bob"};
    house.send_local({"nobody@box.example.net"});  // from alice, who does not exist any more
    house.until([&] { return house.mailbox("root").size() == 1 && house.queued() == 0; });
    CHECK(house.mailbox("root").front().body.find("could itself not be delivered") !=
          std::string::npos);
    CHECK(house.delivered.size() == 1);
}

TEST_CASE("the null sender of a stranger gets no bounce (F55)") {
    House house;
    house.start();
    house.verdict = [](FakeAgent&, const Delivered&) {
        return std::optional(Outcome{Verdict::refused, "5.2.2", "over quota", {}});
    };
    Envelope envelope = house.smtp_envelope();
    envelope.sender.clear();
    house.smtpin.channel->send(links::Begin{7, envelope, 0});
    house.smtpin.channel->send(
        links::Recipients{7, {{"alice@box.example.net", {}, notify_default}}, {}});
    house.smtpin.channel->send(links::Chunk{7, "x\n"});
    house.smtpin.channel->send(links::End{7, 2});
    house.until([&] { return house.smtpin.committed.contains(7); });
    house.until([&] { return house.queued() == 0; });
    house.settle();
    CHECK(house.spawns.size() == 1);
    CHECK(house.delivered.empty());
}

TEST_CASE("a message that is never delivered expires into a bounce") {
    House house;
    house.start();
    house.verdict = [](FakeAgent& agent, const Delivered&) {
        return std::optional(
            agent.user == "bob" ? Outcome{Verdict::retry, "4.2.2", "still full", {}} : written);
    };
    house.send_local({"bob@box.example.net"});
    house.until([&] {
        house.settle();
        return house.control.counts->deferred == 1;
    });
    house.clock.mono_shift += 24h * 5;
    house.flush();
    house.until([&] { return house.mailbox("alice").size() == 1 && house.queued() == 0; });
    CHECK(house.mailbox("alice").front().body.find("still full") != std::string::npos);
}

TEST_CASE("F48 a wall clock that jumps by 20 years expires nothing") {
    House house;
    house.start();
    unsigned attempts = 0;
    house.verdict = [&](FakeAgent&, const Delivered&) {
        ++attempts;
        return std::optional(Outcome{Verdict::retry, "4.2.2", "full", {}});
    };
    house.send_local({"bob@box.example.net"});
    house.until([&] {
        house.settle();
        return house.control.counts->deferred == 1;
    });
    house.clock.wall_shift += 24h * 365 * 20;
    SECTION("while the process lives") {}
    SECTION("over a restart") {
        house.kill_room();
        house.start();
    }
    house.until([&] {
        house.flush();
        house.settle();
        return attempts > 1;
    });
    house.settle();
    CHECK(house.queued() == 1);
    CHECK(house.mailbox("alice").empty());
}

TEST_CASE("one hung mailbox stalls only itself (F42)") {
    House house;
    house.snapshot.max_agents = 2;
    house.start();
    house.verdict = [](FakeAgent& agent, const Delivered&) -> std::optional<Outcome> {
        if (agent.user == "bob") return std::nullopt;
        return written;
    };
    for (int i = 0; i < 600; ++i) house.send_local({"bob@box.example.net"});
    house.until([&] { return house.control.committed.size() == 600; });
    for (int i = 0; i < 10; ++i) house.send_smtp({"alice@box.example.net"});
    house.until([&] { return house.mailbox("alice").size() == 10; });
    // bob's mailbox works again: everything arrives, once.
    house.verdict = nullptr;
    FakeAgent* agent = nullptr;
    for (auto& one : house.agents) {
        if (one->user == "bob") agent = one.get();
    }
    REQUIRE(agent != nullptr);
    for (auto& [number, job] : agent->jobs) {
        house.delivered.push_back(job);
        agent->report(number, written);
    }
    house.until([&] { return house.queued() == 0; });
    std::set<MessageId> ids;
    for (const Delivered& mail : house.mailbox("bob")) ids.insert(mail.deliver.id);
    CHECK(ids.size() == 600);
    CHECK(house.mailbox("bob").size() == 600);
}

TEST_CASE("users wait for their turn when there are more of them than agents") {
    House house;
    house.snapshot.max_agents = 1;
    house.start();
    for (int i = 0; i < 5; ++i) {
        for (const char* user : {"alice", "bob", "carol"}) {
            house.send_smtp({std::string(user) + "@box.example.net"});
        }
    }
    house.until([&] { return house.delivered.size() == 15 && house.queued() == 0; });
    CHECK(house.mailbox("carol").size() == 5);
}

TEST_CASE("an expansion that delivered in part keeps to itself when the alias changes") {
    House house;
    house.start();
    house.alias("team", {"alice", "bob"});
    bool full = true;
    house.verdict = [&](FakeAgent& agent, const Delivered&) -> std::optional<Outcome> {
        if (agent.user == "bob" && full) return Outcome{Verdict::retry, "4.2.2", "full", {}};
        return written;
    };
    house.send_smtp({"team@box.example.net"});
    house.until([&] {
        house.settle();
        return house.control.counts->deferred == 1;
    });
    house.kill_room();
    full = false;
    house.start();
    house.alias("alice", {"carol"});  // would lead elsewhere now
    house.until([&] {
        house.flush();
        house.settle();
        return house.queued() == 0;
    });
    CHECK(house.mailbox("alice").size() == 1);
    CHECK(house.mailbox("bob").size() == 1);
    CHECK(house.mailbox("carol").empty());
}

TEST_CASE("a drain finishes what is in hand, begins nothing, and ends with status 0") {
    House house;
    house.start();
    house.verdict = [](FakeAgent&, const Delivered&) { return std::optional<Outcome>(); };
    house.send_smtp({"alice@box.example.net"});
    house.until([&] { return !house.agents.empty() && house.agents.front()->jobs.size() == 1; });
    house.send_smtp({"bob@box.example.net"});
    house.until([&] { return house.smtpin.committed.size() == 2; });
    house.until([&] { return house.agents.size() == 2 && house.agents[1]->jobs.size() == 1; });
    house.parent->send(links::Drain());
    house.settle();
    house.send_smtp({"carol@box.example.net"});
    house.until([&] { return house.smtpin.committed.size() == 3; });
    for (auto& agent : house.agents) {
        house.delivered.push_back(agent->jobs.begin()->second);
        agent->report(agent->jobs.begin()->first, written);
    }
    house.smtpin.channel.reset();
    house.control.channel.reset();
    CHECK(house.loop.run() == 0);
    CHECK(house.queued() == 1);
    CHECK(house.spawns.size() == 2);
}

TEST_CASE("a message that is being routed when the drain comes waits for the next process") {
    House house;
    house.start();
    house.users.silent = true;
    house.send_smtp({"alice@box.example.net"});
    house.until([&] { return house.users.queries == 1; });
    house.parent->send(links::Drain());
    house.settle();
    house.users.silent = false;
    house.meet_users();
    house.smtpin.channel.reset();
    house.control.channel.reset();
    CHECK(house.loop.run() == 0);
    CHECK(house.spawns.empty());
    CHECK(house.queued() == 1);
}
