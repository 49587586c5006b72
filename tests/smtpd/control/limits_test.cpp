// Users and clocks against each other: who gives way, and when.
#include <unistd.h>

#include "tests/catch.h"
#include "tests/smtpd/control/room_under_test.h"

using namespace holdfast;

namespace {

// Connections of another user: the kernel notes the effective uid at connect().
class As {
  public:
    explicit As(uid_t uid) { REQUIRE(seteuid(uid) == 0); }
    ~As() { static_cast<void>(seteuid(0) == 0); }
};

bool is_root() {
    return getuid() == 0;
}

std::vector<UniqueFd> connect_many(const RoomUnderTest& house, uid_t uid, int count) {
    const As other(uid);
    std::vector<UniqueFd> sockets;
    for (int i = 0; i < count; ++i) sockets.push_back(house.connect_raw());
    return sockets;
}

void submit(TestClient& client) {
    for (auto& message : submission_of("Subject: x\n\nhello\n")) client.send(std::move(message));
}

bool is_accepted(RoomUnderTest& house, TestClient& client) {
    submit(client);
    const bool done = house.until([&] { return client.first<links::Answer>() || client.ended(); });
    return done && !client.ended() && client.first<links::Answer>()->status == 0;
}

}  // namespace

TEST_CASE("a user who holds every connection gives one up for another user, even at work") {
    if (!is_root()) return;
    RoomUnderTest house({.clients = 30, .reserved_for_root = 0});
    const auto crowd = connect_many(house, 4711, 40);
    std::unique_ptr<TestClient> other;
    std::unique_ptr<TestClient> second;
    {
        const As user(4712);
        other = house.connect();
        second = house.connect();
    }
    CHECK(is_accepted(house, *other));
    CHECK(is_accepted(house, *second));
    CHECK(house.qmgr->first<links::Begin>()->envelope.uid == 4712);
}

TEST_CASE("a user at work on every connection that there is gets no more, until one rests") {
    if (!is_root()) return;
    TestClock clock;
    RoomUnderTest house({.clients = 5, .reserved_for_root = 0}, clock);
    const auto crowd = connect_many(house, 4711, 5);
    std::unique_ptr<TestClient> sixth;
    {
        const As user(4711);
        sixth = house.connect();
    }
    CHECK_FALSE(is_accepted(house, *sixth));
    clock.ahead = std::chrono::seconds(2);
    const As user(4711);
    const auto seventh = house.connect();
    CHECK(is_accepted(house, *seventh));
}

TEST_CASE("root has connections of its own left when all others are taken") {
    if (!is_root()) return;
    RoomUnderTest house({.clients = 5, .reserved_for_root = 2});
    const auto crowd = connect_many(house, 4711, 5);
    const auto root = house.connect();
    CHECK(is_accepted(house, *root));
}

TEST_CASE("F21 the turn among large submissions passes to another user first") {
    if (!is_root()) return;
    RoomUnderTest house;
    house.users->answer_with({});
    std::string header;
    while (header.size() < 1'000'000) header += "X-H: " + std::string(500, 'v') + "\n";
    std::vector<std::unique_ptr<TestClient>> clients;
    for (const uid_t uid : {4711U, 4711U, 4712U}) {
        const As other(uid);
        clients.push_back(house.connect());
        for (auto& message : submission_of(header)) clients.back()->send(std::move(message));
        REQUIRE(house.until(
            [&] { return house.users->all<links::UidQuery>().size() == clients.size(); }));
    }
    // All three are waited for; what the others bring meanwhile is more than may be held.
    for (int i = 0; i < 50; ++i) house.loop.turn();
    for (const auto* query : house.users->all<links::UidQuery>()) {
        house.users->send(links::UserReply{query->request, links::Lookup::found, "alice",
                                           query->uid, "Alice", "/"});
    }
    for (const auto& client : clients) {
        REQUIRE(house.until([&] { return client->first<links::Answer>() != nullptr; }));
    }
    std::vector<std::uint32_t> uids;
    for (const auto* begin : house.qmgr->all<links::Begin>()) uids.push_back(begin->envelope.uid);
    CHECK(uids == std::vector<std::uint32_t>{4711, 4712, 4711});
}

TEST_CASE("F21 users who take turns with many large submissions do not keep out a third") {
    if (!is_root()) return;
    RoomUnderTest house;
    house.users->answer_with({});
    const std::string header = "X-H: " + std::string(400'000, 'v') + "\n";
    std::vector<std::unique_ptr<TestClient>> clients;
    for (const uid_t uid : {4711U, 4712U, 4711U, 4712U, 4711U, 4712U, 4713U}) {
        const As other(uid);
        clients.push_back(house.connect());
        for (auto& message : submission_of(header)) clients.back()->send(std::move(message));
        REQUIRE(house.until(
            [&] { return house.users->all<links::UidQuery>().size() == clients.size(); }));
    }
    for (int i = 0; i < 50; ++i) house.loop.turn();
    for (const auto* query : house.users->all<links::UidQuery>()) {
        house.users->send(links::UserReply{query->request, links::Lookup::found, "alice",
                                           query->uid, "Alice", "/"});
    }
    for (const auto& client : clients) {
        REQUIRE(house.until([&] { return client->first<links::Answer>() != nullptr; }));
    }
    std::vector<std::uint32_t> uids;
    for (const auto* begin : house.qmgr->all<links::Begin>()) uids.push_back(begin->envelope.uid);
    CHECK(uids == std::vector<std::uint32_t>{4711, 4712, 4713, 4711, 4712, 4711, 4712});
}

TEST_CASE("F21 many recipients that wait for the body keep the turn, and the others out") {
    RoomUnderTest house;
    const std::string text = "Subject: x\n\nhello\n";
    auto messages = submission_of(text);
    const auto many = house.connect();
    many->send(std::move(messages[0]));
    for (int batch = 0; batch < 20; ++batch) {
        links::SubmitRecipients some;
        for (int i = 0; i < 500; ++i) {
            some.recipients.push_back("u" + std::to_string(500 * batch + i));
        }
        many->send(std::move(some));
    }
    many->send(links::SubmitBytes{text.substr(0, text.size() - 1)});
    REQUIRE(house.until([&] { return house.users->first<links::UidQuery>() != nullptr; }));
    for (int i = 0; i < 50; ++i) house.loop.turn();
    const auto large = house.connect();
    const std::string header = "X-H: " + std::string(400'000, 'v') + "\n";
    for (auto& message : submission_of(header)) large->send(std::move(message));
    for (int i = 0; i < 100; ++i) house.loop.turn();
    CHECK(house.qmgr->first<links::Begin>() == nullptr);
    many->send(links::SubmitBytes{"\n"});
    many->send(links::SubmitEnd{});
    REQUIRE(house.until([&] { return large->first<links::Answer>() != nullptr; }));
    CHECK(many->first<links::Answer>() != nullptr);
    CHECK(house.qmgr->all<links::Begin>().size() == 2);
}

TEST_CASE("the socket of a user who may not command does not leave the room") {
    if (!is_root()) return;
    RoomUnderTest house;
    std::unique_ptr<TestClient> other;
    {
        const As user(4711);
        other = house.connect();
    }
    other->send(links::OrderRequest{links::Order::stop, true});
    REQUIRE(house.until([&] { return other->first<links::Answer>() != nullptr; }));
    CHECK(other->first<links::Answer>()->status == 77);
    CHECK(house.parent->first<links::AdminOrder>() == nullptr);
}

TEST_CASE("F22 clients that bring nothing in time are closed, whatever they are at") {
    TestClock clock;
    RoomUnderTest house({}, clock);
    const auto idle = house.connect();
    const auto half = house.connect();
    auto messages = submission_of("Subject: x\n\nhello\n");
    half->send(std::move(messages[0]));
    half->send(std::move(messages[1]));
    // What comes later has passed: all is quiet here.
    const auto last = house.connect();
    REQUIRE(is_accepted(house, *last));
    clock.ahead = std::chrono::seconds(21);
    CHECK(house.until([&] { return idle->ended() && half->ended() && last->ended(); }));
}

TEST_CASE("a client whose mail is being committed is waited with, however long it takes") {
    TestClock clock;
    RoomUnderTest house({}, clock);
    house.qmgr->answer_with({});
    const auto idle = house.connect();
    const auto waiting = house.connect();
    submit(*waiting);
    REQUIRE(house.until([&] { return house.qmgr->first<links::End>() != nullptr; }));
    clock.ahead = std::chrono::hours(1);
    REQUIRE(house.until([&] { return idle->ended(); }));
    CHECK_FALSE(waiting->ended());
    house.qmgr->send(links::Committed{house.qmgr->first<links::Begin>()->transaction});
    CHECK(house.until([&] { return waiting->first<links::Answer>() != nullptr; }));
}

TEST_CASE("F22 a list that its client does not read is not fetched on for ever") {
    TestClock clock;
    RoomUnderTest house({}, clock);
    unsigned number = 0;
    house.qmgr->answer_with([&](const links::ControlToQmgr& message) {
        const auto* query = std::get_if<links::ListQuery>(&message);
        if (query == nullptr) return;
        links::QueueItem item;
        item.id = MessageId::generate(WallTime(std::chrono::milliseconds(++number)));
        item.sender.assign(60'000, 'x');
        house.qmgr->send(links::ListItems{query->request, {item}, false});
    });
    const auto client = house.connect();
    client->want_read(false);
    client->send(links::ListRequest{});
    const auto idle = house.connect();
    // A few pages fit into the socket; then the fetching stops: several turns bring no more.
    int quiet_turns = 0;
    unsigned pages = 0;
    REQUIRE(house.until([&] {
        quiet_turns = pages == number && pages > 0 ? quiet_turns + 1 : 0;
        pages = number;
        return quiet_turns == 10;
    }));
    CHECK(pages < 20);
    clock.ahead = std::chrono::seconds(21);
    REQUIRE(house.until([&] { return idle->ended(); }));
    client->want_read(true);
    CHECK(house.until([&] { return client->ended(); }));
    CHECK(client->first<links::Answer>() == nullptr);
}
