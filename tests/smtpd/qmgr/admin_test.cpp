#include <fcntl.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include "tests/queue/fake_fs.h"
#include "tests/smtpd/qmgr/house.h"

using namespace holdfast;
using namespace holdfast::qmgr;

namespace {

// A client's socket as control passes it on. The tests run as root, so this is root's.
UniqueFd client() {
    return std::move(socket_pair().first);
}

MessageId deferred_message(House& house, const std::string& user) {
    house.verdict = [](FakeAgent&, const Delivered&) {
        return std::optional(Outcome{Verdict::retry, "4.2.2", "the mailbox is full", {}});
    };
    const MessageId id = house.new_id();
    const std::size_t before = house.control.counts ? house.control.counts->deferred : 0;
    house.send_local({user + "@box.example.net"}, id);
    house.until([&] {
        house.settle();
        return house.control.counts->deferred == before + 1;
    });
    return id;
}

links::Finished finished(House& house, std::uint64_t request) {
    house.until([&] {
        return !house.control.finished.empty() && house.control.finished.back().request == request;
    });
    return house.control.finished.back();
}

}  // namespace

TEST_CASE("the list tells of each message what is pending and what was tried last") {
    House house;
    house.start();
    const MessageId first = deferred_message(house, "bob");
    const MessageId second = deferred_message(house, "carol");
    house.control.channel->send(links::ListQuery{5, {}});
    house.until([&] { return house.control.lists.size() == 1; });
    const links::ListItems& list = house.control.lists.front();
    CHECK(list.last);
    REQUIRE(list.items.size() == 2);
    CHECK(list.items[0].id == std::min(first, second));
    CHECK(list.items[0].state == links::QueueState::deferred);
    CHECK(list.items[0].attempts == 1);
    CHECK(list.items[0].size == 5);
    CHECK(list.items[0].sender == "alice@box.example.net");
    CHECK(list.items[0].next > list.items[0].admitted);
    REQUIRE(list.items[0].recipients.size() == 1);
    CHECK(list.items[0].recipients[0].last == "the mailbox is full");
}

TEST_CASE("a long list comes in pages in the order of ids, and every page fits into a frame") {
    House house;
    house.start();
    house.hold_agents = true;
    std::vector<std::string> many(300, "bob@box.example.net");
    for (int i = 0; i < 150; ++i) house.send_local(i == 7 ? many : std::vector{many.front()});
    house.until([&] { return house.control.committed.size() == 150; });
    std::vector<MessageId> ids;
    MessageId after;
    for (bool last = false; !last;) {
        house.control.lists.clear();
        house.control.channel->send(links::ListQuery{5, after});
        house.until([&] { return house.control.lists.size() == 1; });
        for (const auto& item : house.control.lists.front().items) ids.push_back(item.id);
        last = house.control.lists.front().last;
        after = ids.back();
    }
    CHECK(ids.size() == 150);
    CHECK(std::is_sorted(ids.begin(), ids.end()));
}

TEST_CASE("a message that is laid aside while a list reads the others is on the list") {
    std::atomic<int> gate = 0;  // outlives the threads that look at it: 1 is shut, for the first
    queue::FakeFileSystem fs;
    fs.now = real_clock().wall();
    House house(&fs, fs.open_root());
    fs.before = [&](const std::string& call) {
        int shut = 1;
        if (call.starts_with("open queue") && gate.compare_exchange_strong(shut, 2)) gate.wait(2);
    };
    house.start();
    const MessageId stored = deferred_message(house, "bob");
    house.verdict = [](FakeAgent&, const Delivered&) { return std::optional<Outcome>(); };
    const MessageId moving = house.new_id();
    house.send_local({"carol@box.example.net"}, moving);
    house.until([&] { return house.agents.size() == 2 && house.agents[1]->jobs.size() == 1; });
    gate = 1;
    house.control.channel->send(links::ListQuery{5, {}});
    house.until([&] { return gate == 2; });
    house.agents[1]->report(1, {Verdict::retry, "4.2.2", "full", {}});
    house.until([&] {
        house.settle();
        return house.control.counts->deferred == 2;
    });
    CHECK(house.control.lists.empty());
    gate = 0;
    gate.notify_all();
    house.until([&] { return house.control.lists.size() == 1; });
    const auto& items = house.control.lists.front().items;
    REQUIRE(items.size() == 2);
    CHECK(std::min(items[0].id, items[1].id) == std::min(stored, moving));
    CHECK(items[0].id < items[1].id);
}

TEST_CASE("root sees a message's file, page by page, and an unknown id is said to be so") {
    House house;
    house.start();
    const MessageId id = deferred_message(house, "bob");
    std::string text;
    while (true) {
        house.control.texts.clear();
        house.control.channel->send(links::ShowQuery{6, id, text.size(), client()});
        house.until([&] { return house.control.texts.size() == 1; });
        if (house.control.texts.front().bytes.empty()) break;
        text += house.control.texts.front().bytes;
    }
    CHECK(text.find("alice@box.example.net") != std::string::npos);
    CHECK(text.find("\nEND") != std::string::npos);
    house.control.channel->send(links::ShowQuery{7, house.new_id(), 0, client()});
    CHECK(finished(house, 7).status == EX_NOINPUT);
}

TEST_CASE("showing and removing are root's, by the client's own socket") {
    House house;
    house.start();
    const MessageId id = deferred_message(house, "bob");
    house.control.channel->send(links::RemoveQuery{8, {id}, {}});
    CHECK(finished(house, 8).status == EX_NOPERM);
    UniqueFd file(dup(STDERR_FILENO));  // no socket at all
    house.control.channel->send(links::ShowQuery{9, id, 0, std::move(file)});
    CHECK(finished(house, 9).status == EX_NOPERM);
    CHECK(house.queued() == 1);

    // The kernel noted who made the socket, whoever that process is by now.
    REQUIRE(seteuid(65534) == 0);
    UniqueFd stranger = client();
    REQUIRE(seteuid(0) == 0);
    house.control.channel->send(links::RemoveQuery{10, {id}, std::move(stranger)});
    CHECK(finished(house, 10).status == EX_NOPERM);
    CHECK(house.queued() == 1);
}

TEST_CASE("a private instance belongs to the user who runs it, and to root") {
    REQUIRE(seteuid(1000) == 0);
    const UniqueFd own = client();
    CHECK(rights_of(own.get(), Instance::private_one) == Rights::administrator);
    CHECK(rights_of(own.get(), Instance::system) == Rights::anyone);
    REQUIRE(seteuid(0) == 0);
    CHECK(rights_of(client().get(), Instance::system) == Rights::administrator);
    CHECK(rights_of(-1, Instance::system) == Rights::anyone);
}

TEST_CASE("a removed message is gone without a word, and its id stays used") {
    House house;
    house.start();
    const MessageId id = deferred_message(house, "bob");
    house.control.channel->send(links::RemoveQuery{11, {id, house.new_id()}, client()});
    CHECK(finished(house, 11).status == EX_NOINPUT);
    house.until([&] { return house.queued() == 0; });
    house.verdict = nullptr;
    const auto again = house.send_local({"bob@box.example.net"}, id);
    house.until([&] { return house.control.committed.contains(again); });
    house.settle();
    CHECK(house.delivered.empty());
    CHECK(house.queued() == 0);
}

TEST_CASE("a message that an agent has in hand is removed when the agent has finished") {
    House house;
    house.start();
    house.verdict = [](FakeAgent&, const Delivered&) { return std::optional<Outcome>(); };
    const MessageId id = house.new_id();
    house.send_local({"bob@box.example.net"}, id);
    house.until([&] { return !house.agents.empty() && house.agents.front()->jobs.size() == 1; });
    house.control.channel->send(links::RemoveQuery{12, {id}, client()});
    house.settle();
    CHECK(house.queued() == 1);
    house.agents.front()->report(1, {Verdict::refused, "5.2.1", "no", {}});
    CHECK(finished(house, 12).status == EX_OK);
    CHECK(house.queued() == 0);
    CHECK(house.delivered.empty());
}

TEST_CASE("a message that is removed while its users are looked up is not delivered first") {
    House house;
    house.start();
    const MessageId id = deferred_message(house, "bob");
    house.verdict = nullptr;
    house.users.silent = true;
    house.clock.mono_shift += std::chrono::hours(1);
    const unsigned asked = house.users.queries;
    house.control.channel->send(links::FlushQuery{5, {id}, client()});
    house.until([&] { return house.users.queries > asked; });
    house.control.channel->send(links::RemoveQuery{12, {id}, client()});
    house.settle();
    CHECK(house.queued() == 1);
    house.users.silent = false;
    house.meet_users();
    CHECK(finished(house, 12).status == EX_OK);
    CHECK(house.queued() == 0);
    CHECK(house.delivered.empty());
}

TEST_CASE("a flush lengthens no delay, and users other than root get one a minute") {
    House house;
    house.start();
    const MessageId id = deferred_message(house, "bob");
    const auto item = [&] {
        house.control.lists.clear();
        house.control.channel->send(links::ListQuery{5, {}});
        house.until([&] { return house.control.lists.size() == 1; });
        return house.control.lists.front().items.at(0);
    };
    const std::int64_t next = item().next;
    for (int i = 0; i < 5; ++i) {
        house.control.channel->send(links::FlushQuery{20, {id}, client()});
        CHECK(finished(house, 20).status == EX_OK);
        house.until([&] {
            house.settle();
            return house.control.counts->deferred == 1;
        });
        house.control.finished.clear();
    }
    CHECK(house.spawns.size() + house.agents.front()->jobs.size() > 5);
    CHECK(item().attempts == 1);
    CHECK(std::abs(item().next - next) < 2000);

    house.control.channel->send(links::FlushQuery{21, {}, {}});
    CHECK(finished(house, 21).status == EX_OK);
    house.control.channel->send(links::FlushQuery{22, {}, {}});
    CHECK(finished(house, 22).status == EX_TEMPFAIL);
    house.control.channel->send(links::FlushQuery{23, {}, client()});
    CHECK(finished(house, 23).status == EX_OK);
    house.clock.mono_shift += std::chrono::seconds(61);
    house.control.channel->send(links::FlushQuery{24, {}, {}});
    CHECK(finished(house, 24).status == EX_OK);
}

TEST_CASE("a flush tries what is deferred now, one or all") {
    House house;
    house.start();
    const MessageId id = deferred_message(house, "bob");
    deferred_message(house, "carol");
    house.verdict = nullptr;
    house.control.channel->send(links::FlushQuery{13, {id}, client()});
    CHECK(finished(house, 13).status == EX_OK);
    house.until([&] { return house.mailbox("bob").size() == 1; });
    CHECK(house.mailbox("carol").empty());
    house.control.channel->send(links::FlushQuery{14, {}, client()});
    house.until([&] {
        house.settle();
        return house.mailbox("carol").size() == 1 && house.control.counts->active == 0;
    });
    house.control.channel->send(links::FlushQuery{15, {id}, client()});
    CHECK(finished(house, 15).status == EX_NOINPUT);
}

TEST_CASE("a flush tries every message that it names and that is there") {
    House house;
    house.start();
    const MessageId there = deferred_message(house, "bob");
    house.verdict = nullptr;
    house.control.channel->send(links::FlushQuery{11, {house.new_id(), there}, client()});
    CHECK(finished(house, 11).status == EX_NOINPUT);
    house.until([&] { return house.mailbox("bob").size() == 1; });
}

TEST_CASE("a damaged file is reported by whatever comes upon it first, such as a list") {
    House house;
    house.start();
    const MessageId id = deferred_message(house, "bob");
    const std::string path = house.spool + "/queue/" + id.text();
    {
        const UniqueFd file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
        REQUIRE(pwrite(file.get(), "?", 1, 100) == 1);
    }
    const Logged logged;
    house.control.channel->send(links::ListQuery{5, {}});
    house.until([&] { return house.control.lists.size() == 1; });
    CHECK(house.control.lists.front().items.empty());
    CHECK(logged.lines("message-damaged msg=" + id.text()) == 1);
    CHECK(house.files("quarantine").size() == 1);
}
