// The room under a reload, a restart, a stop and the loss of its parent.
#include <csignal>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "smtpd/smtpin/room.h"
#include "tests/catch.h"
#include "tests/smtpd/smtpin/house.h"

namespace holdfast::smtpin {
namespace {

using std::chrono::milliseconds;

const std::string the_listener = "127.0.0.1:0";

links::SmtpinSnapshot snapshot() {
    return {"mx.example", 50'000'000, 100, 200, 50};
}

bool greeted(TestClient& client) {
    return client.last_line().starts_with("220 ");
}

// A whole message, in a session that has been greeted.
void deliver(House& house, TestClient& client) {
    const std::size_t before = house.queue->committed.size();
    client.send("EHLO c.example\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n");
    house.until([&] { return client.last_line().starts_with("354 "); });
    client.send("Subject: x\r\n\r\n.\r\n");
    house.until([&] { return client.last_line().starts_with("250 2.0.0 Ok: queued"); });
    CHECK(house.queue->committed.size() == before + 1);
}

void quit(House& house, TestClient& client) {
    // Input that is not read any more must not turn the end into a reset that eats the reply.
    client.send("QUIT\r\nNOOP\r\n");
    house.until([&] { return client.at_end(); });
    CHECK(client.last_line() == "221 2.0.0 Bye");
    client.close();
}

void expect_farewell(House& house, TestClient& client) {
    house.until([&] { return client.at_end(); });
    CHECK(client.last_line() == "421 4.3.2 mx.example is restarting; connect again");
    client.close();
}

// Nobody but the parent, who is the test, has the listener any more.
void expect_not_accepted(House& house) {
    TestClient next(house.port);
    house.turn_for(milliseconds(20));
    CHECK(next.received().empty());
    const UniqueFd waiting(accept(house.listener.get(), nullptr, nullptr));
    CHECK(waiting);
}

TEST_CASE("a drained room finishes what is in hand and stops") {
    House house;
    TestClient idle(house.port);
    house.until([&] { return greeted(idle); });
    const auto busy = house.client_in_body();
    idle.send("MAIL FROM:<a@c.exam");
    house.tell_room(links::Drain{});
    expect_farewell(house, idle);
    expect_not_accepted(house);
    busy->send("Subject: x\r\n\r\n.\r\nMAIL FROM:<a@c.example>\r\n");
    house.until([&] { return busy->at_end(); });
    CHECK(busy->received().find("250 2.0.0 Ok: queued as ") != std::string::npos);
    expect_farewell(house, *busy);
    CHECK(house.queue->committed.size() == 1);
    CHECK(house.loop.run() == 0);
}

TEST_CASE("a drained room without sessions stops at once, whatever patience it may have") {
    House house;
    house.tell_room(links::Drain{{}, 300});
    CHECK(house.loop.run() == 0);
}

TEST_CASE("open sessions do not notice a drain with patience, and after the last the room stops") {
    House house;
    TestClient first(house.port);
    TestClient second(house.port);
    house.until([&] { return greeted(first) && greeted(second); });
    house.tell_room(links::Drain{{}, 300});
    house.until([&] { return !house.accepting; });
    expect_not_accepted(house);
    for (int i = 0; i < 3; ++i) deliver(house, first);
    quit(house, first);
    deliver(house, second);
    quit(house, second);
    CHECK(house.loop.run() == 0);
}

TEST_CASE("when patience has run out sessions are told, and what has begun is finished") {
    House house;
    TestClient idle(house.port);
    house.until([&] { return greeted(idle); });
    const auto busy = house.client_in_body();
    const MonoTime start = house.loop.now();
    house.tell_room(links::Drain{{}, 1});
    deliver(house, idle);
    expect_farewell(house, idle);
    CHECK(house.loop.now() - start >= milliseconds(990));
    busy->send(".\r\n");
    expect_farewell(house, *busy);
    CHECK(house.queue->committed.size() == 2);
    CHECK(house.loop.run() == 0);
}

TEST_CASE("a second drain takes patience back") {
    House house;
    TestClient idle(house.port);
    house.until([&] { return greeted(idle); });
    house.tell_room(links::Drain{{}, 300});
    house.turn_for(milliseconds(20));
    CHECK_FALSE(idle.at_end());
    house.tell_room(links::Drain{});
    expect_farewell(house, idle);
    CHECK(house.loop.run() == 0);
}

TEST_CASE("a listener that is leaving serves who waits there and who comes soon after") {
    House house(snapshot(), real_clock(), {milliseconds(300), milliseconds(0)});
    std::vector<std::unique_ptr<TestClient>> clients;
    for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<TestClient>(house.port));
    house.tell_room(links::Drain{{"192.0.2.1:25", the_listener}, 300});
    house.turn_for(milliseconds(20));
    clients.push_back(std::make_unique<TestClient>(house.port));
    for (auto& client : clients) house.until([&] { return greeted(*client); });
    house.turn_for(milliseconds(300));
    expect_not_accepted(house);
    for (auto& client : clients) {
        deliver(house, *client);
        quit(house, *client);
    }
    CHECK(house.loop.run() == 0);
}

TEST_CASE("a room without sessions stops when its last listener has left, not earlier") {
    House house(snapshot(), real_clock(), {milliseconds(200), milliseconds(0)});
    const MonoTime start = house.loop.now();
    house.tell_room(links::Drain{{the_listener}, 300});
    CHECK(house.loop.run() == 0);
    CHECK(house.loop.now() - start >= milliseconds(190));
}

TEST_CASE("nobody who waits at a listener is lost when it is closed") {
    House house(snapshot(), real_clock(), {milliseconds(0), milliseconds(0)});
    house.tell_room(links::Drain{{the_listener}, 300});
    house.loop.turn();
    std::vector<std::unique_ptr<TestClient>> clients;
    // More than are taken in the two turns until the listener is closed.
    for (int i = 0; i < 100; ++i) clients.push_back(std::make_unique<TestClient>(house.port));
    house.listener.reset();
    for (auto& client : clients) house.until([&] { return greeted(*client); });
}

TEST_CASE("who comes to a leaving listener without patience is told to connect again") {
    House house(snapshot(), real_clock(), {milliseconds(200), milliseconds(0)});
    house.tell_room(links::Drain{{the_listener}, 0});
    house.turn_for(milliseconds(20));
    TestClient late(house.port);
    expect_farewell(house, late);
    CHECK(late.received() == late.last_line() + "\r\n");
    CHECK(house.loop.run() == 0);
}

TEST_CASE("without its parent the room serves on for a while, and then as after a drain") {
    House house(snapshot(), real_clock(), {milliseconds(0), milliseconds(300)});
    TestClient before(house.port);
    house.until([&] { return greeted(before); });
    house.lose_parent();
    house.turn_for(milliseconds(20));
    TestClient after(house.port);
    house.until([&] { return greeted(after); });
    deliver(house, after);
    house.turn_for(milliseconds(300));
    expect_not_accepted(house);
    deliver(house, before);
    quit(house, before);
    deliver(house, after);
    quit(house, after);
    CHECK(house.loop.run() == 0);
}

TEST_CASE("a room that has lost its parent leaves the listeners to another one that serves") {
    House house(snapshot(), real_clock(), {milliseconds(0), std::chrono::minutes(5)});
    TestClient client(house.port);
    house.until([&] { return greeted(client); });
    house.lose_parent();
    house.turn_for(milliseconds(20));
    REQUIRE(raise(SIGTERM) == 0);
    house.turn_for(milliseconds(200));
    expect_not_accepted(house);
    deliver(house, client);
    quit(house, client);
    CHECK(house.loop.run() == 0);
}

TEST_CASE("a room that has lost its parent and has no patience ends its sessions after the lease") {
    links::SmtpinSnapshot impatient = snapshot();
    impatient.drain_seconds = 0;
    House house(impatient, real_clock(), {milliseconds(0), milliseconds(300)});
    house.lose_parent();
    house.turn_for(milliseconds(20));
    TestClient client(house.port);
    house.until([&] { return greeted(client); });
    deliver(house, client);
    expect_farewell(house, client);
    CHECK(house.loop.run() == 0);
}

TEST_CASE("a drain that is under way goes on when the parent dies") {
    House house;
    TestClient client(house.port);
    house.until([&] { return greeted(client); });
    house.tell_room(links::Drain{{}, 300});
    house.turn_for(milliseconds(20));
    house.lose_parent();
    house.turn_for(milliseconds(20));
    expect_not_accepted(house);
    deliver(house, client);
    quit(house, client);
    CHECK(house.loop.run() == 0);
}

TEST_CASE("a room that has lost its parent takes nobody more when the house is stopped") {
    House house;
    TestClient idle(house.port);
    house.until([&] { return greeted(idle); });
    const auto writing = house.client_in_body();
    const bool drains = GENERATE(true, false);
    if (drains) house.tell_room(links::Drain{{}, 300});
    house.turn_for(milliseconds(20));
    house.lose_parent();
    house.turn_for(milliseconds(20));
    house.last_call();
    expect_farewell(house, idle);
    expect_not_accepted(house);
    writing->send("Subject: x\r\n\r\n.\r\n");
    expect_farewell(house, *writing);
    CHECK(house.queue->committed.size() == 1);
    CHECK(house.loop.run() == 0);
}

}  // namespace
}  // namespace holdfast::smtpin
