// mtactl's requests through the room.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/smtpd/control/room_under_test.h"

using namespace holdfast;

namespace {

const links::Answer* answer_of(const TestClient& client) {
    return client.first<links::Answer>();
}

links::QueueItem item_of(std::uint8_t number) {
    links::QueueItem item;
    item.id = MessageId::generate(WallTime(std::chrono::milliseconds(number)));
    return item;
}

// The uid behind a socket that was passed on.
uid_t peer_uid(const UniqueFd& socket) {
    ucred who{};
    socklen_t size = sizeof who;
    REQUIRE(getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &who, &size) == 0);
    return who.uid;
}

}  // namespace

TEST_CASE("a status is made of what the parent and qmgr say") {
    RoomUnderTest house;
    house.parent->answer_with([&](const links::ControlToParent& message) {
        if (const auto* query = std::get_if<links::StatusQuery>(&message)) {
            links::StatusReply reply;
            reply.request = query->request;
            reply.generation = 3;
            house.parent->send(std::move(reply));
        }
    });
    house.qmgr->answer_with([&](const links::ControlToQmgr& message) {
        if (const auto* query = std::get_if<links::CountsQuery>(&message)) {
            links::CountsReply reply;
            reply.request = query->request;
            reply.counts.deferred = 7;
            house.qmgr->send(std::move(reply));
        }
    });
    const auto client = house.connect();
    SECTION("both answer") {
        client->send(links::StatusRequest{});
        REQUIRE(house.until([&] { return answer_of(*client) != nullptr; }));
        CHECK(client->first<links::Overview>()->daemon.generation == 3);
        CHECK(client->first<links::Overview>()->queue.deferred == 7);
        CHECK(client->first<links::Overview>()->queue.accepting);
    }
    SECTION("qmgr is away") {
        REQUIRE(house.until([&] { return house.parent->first<links::Ready>() != nullptr; }));
        house.qmgr->hang_up();
        client->send(links::StatusRequest{});
        REQUIRE(house.until([&] { return answer_of(*client) != nullptr; }));
        CHECK_FALSE(client->first<links::Overview>()->queue.accepting);
        CHECK_FALSE(client->first<links::Overview>()->queue.trouble.empty());
    }
    SECTION("qmgr hangs") {
        house.qmgr->answer_with({});
        client->send(links::StatusRequest{});
        REQUIRE(house.until([&] { return answer_of(*client) != nullptr; }));
        CHECK_FALSE(client->first<links::Overview>()->queue.accepting);
    }
    CHECK(answer_of(*client)->status == 0);
}

TEST_CASE("a list is fetched page by page, each from behind the one before") {
    RoomUnderTest house;
    const std::vector<links::QueueItem> items{item_of(1), item_of(2), item_of(3)};
    house.qmgr->answer_with([&](const links::ControlToQmgr& message) {
        const auto* query = std::get_if<links::ListQuery>(&message);
        if (query == nullptr) return;
        std::size_t at = 0;
        while (at < items.size() && items[at].id <= query->after) ++at;
        house.qmgr->send(links::ListItems{query->request, {items[at]}, at + 1 == items.size()});
    });
    const auto client = house.connect();
    client->send(links::ListRequest{});
    REQUIRE(house.until([&] { return answer_of(*client) != nullptr; }));
    CHECK(client->all<links::ListItems>().size() == 3);
    CHECK(house.qmgr->all<links::ListQuery>().size() == 3);
}

TEST_CASE("a list that leads nowhere ends instead of going round") {
    RoomUnderTest house;
    house.qmgr->answer_with([&](const links::ControlToQmgr& message) {
        if (const auto* query = std::get_if<links::ListQuery>(&message)) {
            house.qmgr->send(links::ListItems{query->request, {}, false});
        }
    });
    const auto client = house.connect();
    client->send(links::ListRequest{});
    REQUIRE(house.until([&] { return answer_of(*client) != nullptr; }));
    CHECK(house.qmgr->all<links::ListQuery>().size() == 1);
}

TEST_CASE("a message is shown piece by piece, each asked for with the client's own socket") {
    RoomUnderTest house;
    const std::string file = "envelope\nbody\nlog\n";
    house.qmgr->answer_with([&](const links::ControlToQmgr& message) {
        const auto* query = std::get_if<links::ShowQuery>(&message);
        if (query == nullptr) return;
        CHECK(peer_uid(query->client) == getuid());
        house.qmgr->send(links::Text{query->request, file.substr(query->offset, 7)});
    });
    const auto client = house.connect();
    client->send(links::ShowRequest{item_of(1).id});
    REQUIRE(house.until([&] { return answer_of(*client) != nullptr; }));
    std::string shown;
    for (const auto* text : client->all<links::Text>()) shown += text->bytes;
    CHECK(shown == file);
}

TEST_CASE("whatever needs privilege is passed on with the client's socket, and so is the answer") {
    RoomUnderTest house;
    house.qmgr->answer_with([&](const links::ControlToQmgr& message) {
        if (const auto* query = std::get_if<links::RemoveQuery>(&message)) {
            CHECK(peer_uid(query->client) == getuid());
            house.qmgr->send(links::Finished{query->request, 77, "only root may"});
        }
    });
    const auto client = house.connect();
    client->send(links::RemoveRequest{{item_of(1).id}});
    REQUIRE(house.until([&] { return answer_of(*client) != nullptr; }));
    CHECK(answer_of(*client)->status == 77);
    CHECK(answer_of(*client)->text == "only root may");
}

TEST_CASE("what only the parent can answer is answered 75 where it has gone") {
    RoomUnderTest house;
    const auto client = house.connect();
    SECTION("after it was asked") {
        client->send(links::StatusRequest{});
        REQUIRE(house.until([&] { return house.parent->first<links::StatusQuery>() != nullptr; }));
        house.parent->hang_up();
    }
    SECTION("before: the client was accepted, and had not spoken") {
        REQUIRE(house.until([&] { return house.parent->first<links::Ready>() != nullptr; }));
        const auto other = house.connect();
        other->send(links::ListRequest{});
        REQUIRE(house.until([&] { return house.qmgr->first<links::ListQuery>() != nullptr; }));
        house.parent->hang_up();
        const auto turned_away = house.connect();
        REQUIRE(house.until([&] { return turned_away->ended(); }));
        SECTION("a question") {
            client->send(links::StatusRequest{});
        }
        SECTION("an order") {
            client->send(links::OrderRequest{links::Order::reload, false});
        }
    }
    REQUIRE(house.until([&] { return answer_of(*client) != nullptr; }));
    CHECK(answer_of(*client)->status == 75);
}

TEST_CASE("more ids than fit into one question are refused") {
    RoomUnderTest house;
    const auto client = house.connect();
    client->send(links::RemoveRequest{std::vector<MessageId>(3001)});
    REQUIRE(house.until([&] { return answer_of(*client) != nullptr; }));
    CHECK(answer_of(*client)->status == 64);
}

TEST_CASE("requests that qmgr takes to its grave are answered 75") {
    RoomUnderTest house;
    house.qmgr->answer_with({});
    const auto client = house.connect();
    client->send(links::FlushRequest{});
    REQUIRE(house.until([&] { return house.qmgr->first<links::FlushQuery>() != nullptr; }));
    house.qmgr->hang_up();
    REQUIRE(house.until([&] { return answer_of(*client) != nullptr; }));
    CHECK(answer_of(*client)->status == 75);
}

TEST_CASE("a request inside another closes the client") {
    RoomUnderTest house;
    house.qmgr->answer_with({});
    const auto client = house.connect();
    client->send(links::FlushRequest{});
    client->send(links::FlushRequest{});
    CHECK(house.until([&] { return client->ended(); }));
}

TEST_CASE("an order goes to the parent with the client's socket, and is answered there") {
    RoomUnderTest house;
    UniqueFd socket;
    house.parent->answer_with([&](const links::ControlToParent& message) {
        const auto* const order = std::get_if<links::AdminOrder>(&message);
        if (order == nullptr) return;
        CHECK(order->order == links::Order::restart);
        CHECK(order->now);
        CHECK(peer_uid(order->client) == getuid());
        socket.reset(fcntl(order->client.get(), F_DUPFD_CLOEXEC, 0));
        house.parent->send(links::Drain{});
    });
    const auto client = house.connect();
    client->send(links::OrderRequest{links::Order::restart, true});
    CHECK(house.run() == 0);  // the room doesn't wait for the answer, which may take long
    links::Encoder frame;
    frame.put_frame(links::ControlToClient(links::Answer{0, "done"}));
    std::string packet;
    append_frame(packet, frame.bytes);
    REQUIRE(send_packet(socket.get(), packet));
    REQUIRE(house.until([&] { return answer_of(*client) != nullptr; }));
    CHECK(answer_of(*client)->text == "done");
}
