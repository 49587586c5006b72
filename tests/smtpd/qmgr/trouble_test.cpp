// Disks that are full or fail, through the queue library's fake file system, and agents that cannot
// be had.
#include "tests/queue/fake_fs.h"
#include "tests/smtpd/qmgr/house.h"

using namespace holdfast;
using namespace holdfast::qmgr;

namespace {

struct FakeHouse {
    FakeHouse() : house(&fs, fs.open_root()) { fs.now = real_clock().wall(); }
    queue::FakeFileSystem fs;
    House house;
};

}  // namespace

TEST_CASE("F40 a full disk: 452, nothing stored, and service again once there is room") {
    std::atomic<bool> full = true;  // outlives the threads that look at it
    FakeHouse fake;
    House& house = fake.house;
    house.start();
    fake.fs.fail = [&](const std::string& call) {
        return full && (call.starts_with("write") || call.starts_with("open tmp")) ? ENOSPC : 0;
    };
    const auto refused = house.send_smtp({"alice@box.example.net"});
    house.until([&] { return house.smtpin.rejected.contains(refused); });
    CHECK(house.smtpin.rejected.at(refused).code == 452);
    CHECK(house.smtpin.rejected.at(refused).enhanced == "4.3.1");
    house.settle();
    CHECK_FALSE(house.control.counts->accepting);
    CHECK(house.control.counts->trouble.find("full") != std::string::npos);
    const auto queries = house.smtpin.replies.size();
    house.smtpin.channel->send(links::RecipientQuery{9, "a@b.example", "alice@box.example.net"});
    house.until([&] { return house.smtpin.replies.size() > queries; });
    CHECK(house.smtpin.replies.back().refusal.code == 452);

    full = false;
    house.until([&] {
        house.settle();
        return house.control.counts->accepting;
    });
    const auto accepted = house.send_smtp({"alice@box.example.net"});
    house.until([&] { return house.smtpin.committed.contains(accepted); });
    house.until([&] { return house.delivered.size() == 1; });
}

TEST_CASE("F39 after a failed fsync nothing is accepted any more, and status says so") {
    std::atomic<bool> failing = true;  // outlives the threads that look at it
    FakeHouse fake;
    House& house = fake.house;
    house.start();
    fake.fs.fail = [&](const std::string& call) {
        return failing && call.starts_with("sync tmp") ? EIO : 0;
    };
    const auto refused = house.send_smtp({"alice@box.example.net"});
    house.until([&] { return house.smtpin.rejected.contains(refused); });
    CHECK(house.smtpin.rejected.at(refused).code == 451);
    failing = false;  // the second fsync would say yes
    const auto again = house.send_smtp({"alice@box.example.net"});
    house.until([&] { return house.smtpin.rejected.contains(again); });
    house.settle();
    CHECK_FALSE(house.control.counts->accepting);
    CHECK(house.control.counts->trouble.find("restart") != std::string::npos);
    CHECK(house.delivered.empty());
}

TEST_CASE("a folder sync that fails is not said yes to, and the message is kept and delivered") {
    std::atomic<bool> failing = true;  // outlives the threads that look at it
    FakeHouse fake;
    House& house = fake.house;
    house.start();
    fake.fs.fail = [&](const std::string& call) {
        return failing && call == "sync queue" ? EIO : 0;
    };
    const auto refused = house.send_smtp({"alice@box.example.net"});
    house.until([&] { return house.smtpin.rejected.contains(refused); });
    CHECK(house.smtpin.rejected.at(refused).code == 451);
    house.until([&] { return house.delivered.size() == 1; });
    house.settle();
    CHECK_FALSE(house.control.counts->accepting);
}

TEST_CASE("a disk that stands still costs a window of memory a message, and no more") {
    std::atomic<bool> still = true;  // outlives the threads that look at it
    FakeHouse fake;
    House& house = fake.house;
    house.start();
    fake.fs.before = [&](const std::string& call) {
        if (call == "open tmp") still.wait(true);
    };
    const auto let_go = [](std::atomic<bool>* flag) {
        *flag = false;
        flag->notify_all();
    };
    const std::unique_ptr<std::atomic<bool>, decltype(let_go)> guard(&still, let_go);
    house.smtpin.channel->send(links::Begin{1, house.smtp_envelope(), 0});
    house.smtpin.channel->send(links::Recipients{1, {{"alice@box.example.net", {}, 12}}, {}});
    for (int i = 0; i < 4; ++i) {
        house.smtpin.channel->send(links::Chunk{1, std::string(max_chunk, 'x')});
    }
    house.settle();
    CHECK(house.smtpin.credit == 0);
    CHECK(house.malformed.empty());
    house.smtpin.channel->send(links::Chunk{1, "x"});
    house.until([&] { return house.smtpin.ended; });
    CHECK(house.malformed.size() == 1);
}

TEST_CASE("F43 a message stays until its bounce is in the queue") {
    std::atomic<bool> full = false;  // outlives the threads that look at it
    FakeHouse fake;
    House& house = fake.house;
    house.start();
    fake.fs.fail = [&](const std::string& call) {
        return full && call.starts_with("open tmp") ? ENOSPC : 0;
    };
    house.verdict = [&](FakeAgent& agent, const Delivered&) {
        full = agent.user == "bob";
        return std::optional(agent.user == "bob" ? Outcome{Verdict::refused, "5.2.1", "gone", {}}
                                                 : written);
    };
    house.send_local({"bob@box.example.net"});
    house.until([&] {
        house.settle();
        return house.control.counts->deferred == 1;
    });
    CHECK(house.delivered.empty());
    full = false;
    house.until([&] {
        house.flush();
        house.settle();
        return house.mailbox("alice").size() == 1;
    });
    house.until([&] {
        house.settle();
        return house.control.counts->queued + house.control.counts->active +
                   house.control.counts->deferred ==
               0;
    });
    CHECK(house.mailbox("alice").size() == 1);
    CHECK(house.spawns.size() <= 3);
}

TEST_CASE("a success that cannot be recorded is remembered, and never delivered again") {
    std::atomic<bool> full = true;  // outlives the threads that look at it
    FakeHouse fake;
    House& house = fake.house;
    house.start();
    fake.fs.fail = [&](const std::string& call) {
        return full && call.starts_with("write queue") ? ENOSPC : 0;
    };
    house.verdict = [](FakeAgent& agent, const Delivered&) {
        return std::optional(agent.user == "bob" ? Outcome{Verdict::retry, "4.2.2", "full", {}}
                                                 : written);
    };
    house.send_smtp({"alice@box.example.net", "bob@box.example.net"});
    house.until([&] { return house.mailbox("alice").size() == 1; });
    for (int i = 0; i < 5; ++i) {
        house.flush();
        house.settle();
    }
    CHECK(house.mailbox("alice").size() == 1);
    CHECK(house.control.counts->active == 1);
}

TEST_CASE("agents that the parent refuses are asked for again, and the mail waits") {
    House house;
    house.start();
    house.refuse_agents = true;
    house.send_smtp({"alice@box.example.net"});
    house.until([&] { return house.spawns.size() == 1; });
    house.settle();
    CHECK(house.control.counts->active == 1);
    house.refuse_agents = false;
    house.until([&] { return house.delivered.size() == 1 && house.queued() == 0; });
    CHECK(house.spawns.size() == 2);
}

TEST_CASE("a message whose file is gone when its turn comes is reported, and forgotten") {
    House house;
    house.start();
    house.hold_agents = true;
    // Too large to be kept in memory.
    house.send_smtp({"bob@box.example.net"}, "x\n\n" + std::string(100'000, 'y') + "\n");
    house.until([&] { return house.spawns.size() == 1; });
    const std::string id = house.files("queue").front();
    REQUIRE(unlink((house.spool + "/queue/" + id).c_str()) == 0);
    const Logged logged;
    house.hold_agents = false;
    house.on(links::SpawnMda(house.spawns.front()));
    house.until([&] { return logged.lines("message-lost msg=" + id) == 1; });
    house.settle();
    CHECK(house.control.counts->active + house.control.counts->deferred == 0);
}
