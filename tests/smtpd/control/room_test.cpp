// Submissions over the socket: the room among its peers, some of which die or lie.
#include <sys/socket.h>
#include <unistd.h>

#include "smtpd/base/log.h"
#include "smtpd/base/packet.h"
#include "tests/catch.h"
#include "tests/smtpd/control/room_under_test.h"

using namespace holdfast;

namespace {

const std::string small_message = "Subject: x\n\nhello\n";

void send_all(TestClient& client, std::vector<links::ClientToControl> messages) {
    for (auto& message : messages) client.send(std::move(message));
}

// All but SubmitEnd, of a message of which qmgr hears before its end.
void send_half(TestClient& client) {
    auto messages = submission_of(small_message + std::string(2 * max_chunk, 'x'));
    messages.pop_back();
    send_all(client, std::move(messages));
}

std::optional<int> status_of(const TestClient& client) {
    const auto* answer = client.first<links::Answer>();
    return answer == nullptr ? std::nullopt : std::optional<int>(answer->status);
}

void send_bytes(int socket, const std::string& bytes) {
    REQUIRE(send_packet(socket, bytes));
}

}  // namespace

TEST_CASE("a submission is answered 0 after qmgr has committed it, and not before") {
    RoomUnderTest house;
    house.qmgr->answer_with({});
    const auto client = house.connect();
    send_all(*client, submission_of(small_message));
    REQUIRE(house.until([&] { return house.qmgr->first<links::End>() != nullptr; }));
    CHECK_FALSE(status_of(*client));
    const auto& begin = *house.qmgr->first<links::Begin>();
    CHECK(begin.envelope.uid == getuid());
    CHECK(begin.envelope.source == Source::local);
    house.qmgr->send(links::Committed{begin.transaction});
    REQUIRE(house.until([&] { return status_of(*client).has_value(); }));
    CHECK(status_of(*client) == 0);
}

TEST_CASE("several submissions go over one connection, one after the other") {
    RoomUnderTest house;
    const auto client = house.connect();
    for (std::size_t i = 1; i <= 3; ++i) {
        send_all(*client, submission_of(small_message));
        REQUIRE(house.until([&] { return client->all<links::Answer>().size() == i; }));
    }
    CHECK(house.qmgr->all<links::Begin>().size() == 3);
}

TEST_CASE("a message of several megabytes streams through, no faster than qmgr takes it") {
    RoomUnderTest house;
    std::string message = "Subject: x\n\n";
    while (message.size() < 5'000'000) message += std::string(71, 'z') + "\n";
    const auto client = house.connect();
    send_all(*client, submission_of(message));
    REQUIRE(house.until([&] { return status_of(*client).has_value(); }));
    CHECK(status_of(*client) == 0);
    std::size_t brought = 0;
    for (const auto* chunk : house.qmgr->all<links::Chunk>()) brought += chunk->bytes.size();
    CHECK(brought == house.qmgr->first<links::End>()->length);
}

TEST_CASE("F21 a header of four megabytes passes, though only one such is held at a time") {
    RoomUnderTest house;
    std::string message;
    while (message.size() < 4'000'000) message += "X-H: " + std::string(500, 'v') + "\n";
    message += "\nbody\n";
    const auto one = house.connect();
    const auto two = house.connect();
    send_all(*one, submission_of(message));
    send_all(*two, submission_of(message));
    REQUIRE(house.until([&] { return status_of(*one) && status_of(*two); }));
    CHECK(status_of(*one) == 0);
    CHECK(status_of(*two) == 0);
}

TEST_CASE("a client that goes before the end is aborted, one that goes after it is not") {
    RoomUnderTest house;
    house.qmgr->answer_with({});
    auto client = house.connect();
    SECTION("before") {
        send_half(*client);
        REQUIRE(house.until([&] { return house.qmgr->first<links::Chunk>() != nullptr; }));
        client->hang_up();
        CHECK(house.until([&] { return house.qmgr->first<links::Abort>() != nullptr; }));
    }
    SECTION("after") {
        send_all(*client, submission_of(small_message));
        REQUIRE(house.until([&] { return house.qmgr->first<links::End>() != nullptr; }));
        client->hang_up();
        // Another's submission passes: by then the end of the first has been seen.
        auto other = house.connect();
        send_all(*other, submission_of(small_message));
        REQUIRE(house.until([&] { return house.qmgr->all<links::End>().size() == 2; }));
        CHECK(house.qmgr->first<links::Abort>() == nullptr);
    }
}

TEST_CASE("qmgr's refusal reaches the client with its exit status") {
    RoomUnderTest house;
    house.qmgr->answer_with([&](const links::ControlToQmgr& message) {
        if (const auto* begin = std::get_if<links::Begin>(&message)) {
            house.qmgr->send(
                links::Rejected{begin->transaction, {452, "4.3.1", "the disk is full"}});
        }
    });
    const auto client = house.connect();
    send_all(*client, submission_of(small_message));
    REQUIRE(house.until([&] { return status_of(*client).has_value(); }));
    CHECK(status_of(*client) == 75);
}

TEST_CASE("F53 when qmgr dies with a submission the connection closes without an answer") {
    RoomUnderTest house;
    house.qmgr->answer_with({});
    const auto client = house.connect();
    send_all(*client, submission_of(small_message));
    REQUIRE(house.until([&] { return house.qmgr->first<links::End>() != nullptr; }));
    house.qmgr->hang_up();
    REQUIRE(house.until([&] { return client->ended(); }));
    CHECK_FALSE(status_of(*client));
}

TEST_CASE("a submission that comes while qmgr is away waits for the next one") {
    RoomUnderTest house;
    REQUIRE(house.until([&] { return house.parent->first<links::Ready>() != nullptr; }));
    house.qmgr->hang_up();
    const auto client = house.connect();
    send_all(*client, submission_of(small_message));
    REQUIRE(house.until([&] { return house.users->first<links::UidQuery>() != nullptr; }));
    house.start_qmgr();
    REQUIRE(house.until([&] { return status_of(*client).has_value(); }));
    CHECK(status_of(*client) == 0);
}

TEST_CASE("a submission that qmgr has not heard of survives the death of qmgr") {
    RoomUnderTest house;
    auto messages = submission_of("Subject: a header that is not whole yet\n");
    auto end = std::move(messages.back());
    messages.pop_back();
    const auto client = house.connect();
    send_all(*client, std::move(messages));
    REQUIRE(house.until([&] { return house.users->first<links::UidQuery>() != nullptr; }));
    house.qmgr->hang_up();
    house.start_qmgr();
    const auto other = house.connect();
    send_all(*other, submission_of(small_message));
    REQUIRE(house.until([&] { return status_of(*other).has_value(); }));
    client->send(std::move(end));
    REQUIRE(house.until([&] { return status_of(*client).has_value(); }));
    CHECK(status_of(*client) == 0);
}

TEST_CASE("a new channel to qmgr means that the old qmgr is gone, and what it had with it") {
    RoomUnderTest house;
    house.qmgr->answer_with({});
    const auto client = house.connect();
    send_all(*client, submission_of(small_message));
    REQUIRE(house.until([&] { return house.qmgr->first<links::End>() != nullptr; }));
    const auto old = std::move(house.qmgr);
    house.start_qmgr();
    REQUIRE(house.until([&] { return client->ended(); }));
    CHECK_FALSE(status_of(*client));
}

TEST_CASE("a question to users outlives the death of that room") {
    RoomUnderTest house;
    house.users->answer_with({});
    const auto client = house.connect();
    send_all(*client, submission_of(small_message));
    REQUIRE(house.until([&] { return house.users->first<links::UidQuery>() != nullptr; }));
    house.users->hang_up();
    house.start_users();
    REQUIRE(house.until([&] { return status_of(*client).has_value(); }));
    CHECK(status_of(*client) == 0);
}

TEST_CASE("F26 a malformed message closes its client and nobody else") {
    RoomUnderTest house;
    const auto good = house.connect();
    send_half(*good);
    const UniqueFd bad = house.connect_raw();
    SECTION("no frame") {
        send_bytes(bad.get(), "ab");
    }
    SECTION("a frame longer than the packet") {
        send_bytes(bad.get(), "\xff\xff\xff\x7fxx");
    }
    SECTION("no message") {
        send_bytes(bad.get(), std::string("\x02\0\0\0\xff\xff", 6));
    }
    SECTION("more than a packet") {
        send_bytes(bad.get(), std::string(max_packet + 1, 'x'));
    }
    SECTION("a part of no submission") {
        links::Encoder encoder;
        encoder.put_frame(links::ClientToControl(links::SubmitEnd{}));
        std::string packet;
        append_frame(packet, encoder.bytes);
        send_bytes(bad.get(), packet);
    }
    bool closed = false;
    FdWatch watch(house.loop, bad.get(), [&](FdWatch::Ready) { closed = true; });
    watch.want_read(true);
    REQUIRE(house.until([&] { return closed; }));
    char byte = 0;
    CHECK(recv(bad.get(), &byte, 1, MSG_DONTWAIT) <= 0);
    good->send(links::SubmitEnd{});
    REQUIRE(house.until([&] { return status_of(*good).has_value(); }));
    CHECK(status_of(*good) == 0);
}

TEST_CASE("a malformed message of qmgr is reported, and the next qmgr is served") {
    RoomUnderTest house;
    REQUIRE(house.until([&] { return house.parent->first<links::Ready>() != nullptr; }));
    send_bytes(house.qmgr->socket(), "nonsense");
    REQUIRE(house.until([&] { return house.parent->first<links::Malformed>() != nullptr; }));
    CHECK(house.parent->first<links::Malformed>()->sender == links::Room::qmgr);
    house.start_qmgr();
    const auto client = house.connect();
    send_all(*client, submission_of(small_message));
    REQUIRE(house.until([&] { return status_of(*client).has_value(); }));
    CHECK(status_of(*client) == 0);
}

TEST_CASE("200 idle connections keep nobody out, and neither do as many as there may be") {
    RoomUnderTest house({.clients = 200, .reserved_for_root = 0});
    std::vector<UniqueFd> idle;
    for (int i = 0; i < 200; ++i) idle.push_back(house.connect_raw());
    // All of them are one user's, and one second old: the stalest gives way.
    const MonoTime start = house.loop.now();
    REQUIRE(
        house.until([&] { return house.loop.now() - start > std::chrono::milliseconds(1100); }));
    const auto client = house.connect();
    send_all(*client, submission_of(small_message));
    REQUIRE(house.until([&] { return status_of(*client) || client->ended(); }));
    CHECK(status_of(*client) == 0);
}

TEST_CASE("a question that is on its way when the room is drained is answered") {
    TestClock clock;
    RoomUnderTest house({}, clock);
    house.parent->answer_with([&](const links::ControlToParent& message) {
        if (const auto* query = std::get_if<links::StatusQuery>(&message)) {
            links::StatusReply reply;
            reply.request = query->request;
            house.parent->send(std::move(reply));
        }
    });
    house.qmgr->answer_with([&](const links::ControlToQmgr& message) {
        if (const auto* query = std::get_if<links::CountsQuery>(&message)) {
            house.qmgr->send(links::CountsReply{query->request, {}});
        }
    });
    const auto served = house.connect();
    const auto newcomer = house.connect();
    const auto silent = house.connect();
    served->send(links::StatusRequest{});
    REQUIRE(house.until([&] { return served->first<links::Overview>() != nullptr; }));
    house.parent->send(links::Drain{});
    REQUIRE(house.until([&] { return served->ended(); }));
    clock.ahead = std::chrono::seconds(9);  // a machine with too much to do
    house.loop.turn();
    CHECK_FALSE(newcomer->ended());
    newcomer->send(links::StatusRequest{});
    REQUIRE(house.until([&] { return newcomer->ended(); }));
    CHECK(newcomer->first<links::Overview>() != nullptr);
    clock.ahead = std::chrono::seconds(11);
    CHECK(house.run() == 0);  // whoever says nothing is not waited for long
}

TEST_CASE("drain finishes the submission in hand, closes the idle, and exits with status 0") {
    RoomUnderTest house;
    const auto busy = house.connect();
    const auto idle = house.connect();
    send_half(*idle);
    idle->send(links::SubmitEnd{});
    REQUIRE(house.until([&] { return status_of(*idle).has_value(); }));
    send_half(*busy);
    REQUIRE(house.until([&] { return house.qmgr->first<links::Begin>() != nullptr; }));
    house.parent->send(links::Drain{});
    REQUIRE(house.until([&] { return idle->ended(); }));  // it has had time to say something
    CHECK_FALSE(busy->ended());
    CHECK(house.parent->all<links::NotAccepting>().size() == 1);
    busy->send(links::SubmitEnd{});
    CHECK(house.run() == 0);
    // The loop has stopped; the answer was sent before.
    CHECK(house.until([&] { return status_of(*busy).has_value(); }));
    CHECK(status_of(*busy) == 0);
}

TEST_CASE("who has connected when the room is told to end is served, and not waited for long") {
    TestClock clock;
    RoomUnderTest house({}, clock);
    const auto late = house.connect();
    const auto silent = house.connect();
    const auto last = house.connect();  // once this one is answered, the others have been taken
    send_half(*last);
    last->send(links::SubmitEnd{});
    REQUIRE(house.until([&] { return status_of(*last).has_value(); }));
    house.parent->send(links::Drain{});
    send_half(*late);
    late->send(links::SubmitEnd{});
    REQUIRE(house.until([&] { return status_of(*late).has_value(); }));
    clock.ahead = std::chrono::seconds(11);
    CHECK(house.run() == 0);
    CHECK(status_of(*late) == 0);
    CHECK(house.until([&] { return silent->ended(); }));
}

TEST_CASE("the death of the parent drains the room") {
    RoomUnderTest house;
    REQUIRE(house.until([&] { return house.parent->first<links::Ready>() != nullptr; }));
    house.parent->hang_up();
    CHECK(house.run() == 0);
}

TEST_CASE("a room whose log has gone asks the parent for another, once, and goes on in that") {
    RoomUnderTest house;
    int fds[2] = {-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    UniqueFd reader(fds[0]);
    log::open(UniqueFd(fds[1]), log::Form::datagram, "smtpd/control");
    reader.reset();
    for (int i = 0; i < 3; ++i) log::info("nobody-hears-this", {});
    REQUIRE(house.until([&] { return house.parent->first<links::LogLost>() != nullptr; }));
    CHECK(house.parent->all<links::LogLost>().size() == 1);

    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    reader.reset(fds[0]);
    house.parent->send(links::NewLog{UniqueFd(fds[1])});
    std::string line(200, '\0');
    REQUIRE(house.until([&] { return read(reader.get(), line.data(), line.size()) > 0; }));
    CHECK(line.find("log-lines-dropped count=3") != std::string::npos);
    log::open(UniqueFd(dup(STDERR_FILENO)), log::Form::stream, "holdfast");
}
