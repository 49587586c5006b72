#include "tests/smtpd/qmgr/house.h"

using namespace holdfast;
using namespace holdfast::qmgr;
using namespace std::chrono_literals;

namespace {

links::Refusal ask(House& house, const std::string& recipient) {
    const std::size_t before = house.smtpin.replies.size();
    house.smtpin.channel->send(links::RecipientQuery{before, "someone@example.org", recipient});
    house.until([&] { return house.smtpin.replies.size() > before; });
    return house.smtpin.replies.back().refusal;
}

}  // namespace

TEST_CASE("strangers reach those who are here, and nobody else") {
    House house;
    house.start();
    house.alias("sales", {"alice", "nobody"});
    house.alias("dead", {"nobody"});
    house.alias("far", {"x@example.org"});
    CHECK(ask(house, "alice@box.example.net").code == 0);
    CHECK(ask(house, "ALICE+tag@LOCALHOST").code == 0);
    CHECK(ask(house, "Postmaster").code == 0);
    CHECK(ask(house, "root@box.example.net").code == 0);
    CHECK(ask(house, "sales@box.example.net").code == 0);
    CHECK(ask(house, "dead@box.example.net").code == 550);
    const auto unknown = ask(house, "nobody@box.example.net");
    CHECK(unknown.code == 550);
    CHECK(unknown.enhanced == "5.1.1");
    const auto relay = ask(house, "someone@example.org");
    CHECK(relay.code == 550);
    CHECK(relay.enhanced == "5.7.1");
    CHECK(relay.text.find("relaying denied") != std::string::npos);
    CHECK(ask(house, "far@box.example.net").enhanced == "5.7.1");
    CHECK(ask(house, "x@[192.0.2.1]").enhanced == "5.7.1");
    CHECK(ask(house, "no address").code == 553);
}

TEST_CASE("questions are answered in the order in which they were asked, and users asked once") {
    House house;
    house.start();
    for (std::uint64_t i = 0; i < 100; ++i) {
        const std::string to = i % 2 == 0 ? "alice@box.example.net" : "x@example.org";
        house.smtpin.channel->send(links::RecipientQuery{i, "a@b.example", to});
    }
    house.until([&] { return house.smtpin.replies.size() == 100; });
    for (std::uint64_t i = 0; i < 100; ++i) REQUIRE(house.smtpin.replies[i].query == i);
    CHECK(house.users.queries == 1);
}

TEST_CASE("while the users room is away questions wait for its successor, and not for ever") {
    House house;
    house.start();
    house.users.silent = true;
    house.smtpin.channel->send(links::RecipientQuery{1, "a@b.example", "alice@box.example.net"});
    house.until([&] { return house.users.queries == 1; });
    SECTION("it comes back") {
        house.users.silent = false;
        house.meet_users();
        house.until([&] { return house.smtpin.replies.size() == 1; });
        CHECK(house.smtpin.replies.front().refusal.code == 0);
    }
    SECTION("it stays away") {
        house.clock.mono_shift += UserDirectory::patience;
        // Real timers: the patience itself is waited for by asking a later question.
        house.smtpin.channel->send(links::RecipientQuery{2, "a@b.example", "x@example.org"});
        const MonoTime end = real_clock().mono() + 15s;
        Timer beat(house.loop, [] {});
        while (house.smtpin.replies.size() < 2 && real_clock().mono() < end) {
            beat.set(100ms);
            house.loop.turn();
        }
        REQUIRE(house.smtpin.replies.size() == 2);
        CHECK(house.smtpin.replies.front().refusal.code == 451);
    }
}

TEST_CASE("a local user's recipient elsewhere is refused with the reason") {
    House house;
    house.start();
    const auto number = house.send_local({"alice@box.example.net", "x@example.org"});
    house.until([&] { return house.control.rejected.contains(number); });
    CHECK(house.control.rejected.at(number).code == 550);
    CHECK(house.control.rejected.at(number).enhanced == "5.7.1");
    CHECK(house.queued() == 0);
    CHECK(house.malformed.empty());
}

TEST_CASE("the same submission is the same mail, however often it comes") {
    House house;
    house.start();
    const MessageId id = house.new_id();
    SECTION("while it is queued") {
        house.hold_agents = true;
    }
    SECTION("after it was delivered") {}
    const auto first = house.send_local({"bob@box.example.net"}, id);
    house.until([&] { return house.control.committed.contains(first); });
    if (!house.hold_agents) house.until([&] { return house.queued() == 0; });
    const auto second = house.send_local({"bob@box.example.net"}, id);
    house.until([&] { return house.control.committed.contains(second); });
    SECTION("and over a restart") {
        house.kill_room();
        house.start();
        const auto third = house.send_local({"bob@box.example.net"}, id);
        house.until([&] { return house.control.committed.contains(third); });
    }
    house.settle();
    CHECK(house.queued() == (house.hold_agents ? 1 : 0));
    CHECK(house.mailbox("bob").size() == (house.hold_agents ? 0 : 1));
}

TEST_CASE("both copies of a submission that come at once are one mail") {
    House house;
    house.start();
    const MessageId id = house.new_id();
    for (int i = 0; i < 10; ++i) house.send_local({"bob@box.example.net"}, id);
    house.until([&] { return house.control.committed.size() == 10; });
    house.until([&] { return house.queued() == 0; });
    CHECK(house.mailbox("bob").size() == 1);
}

TEST_CASE("an id of somebody else, of last month or of the future is answered: choose a new id") {
    House house;
    house.start();
    house.hold_agents = true;
    const MessageId id = house.new_id();
    const auto first = house.send_local({"bob@box.example.net"}, id);
    house.until([&] { return house.control.committed.contains(first); });
    Envelope other = house.local_envelope();
    other.uid = 2000;
    other.id = id;
    house.control.channel->send(links::Begin{900, other, 0});
    house.control.channel->send(links::Recipients{900, {{"bob@box.example.net", {}, 12}}, {}});
    house.control.channel->send(links::End{900, 0});
    house.until([&] { return house.control.rejected.contains(900); });
    CHECK(house.control.rejected.at(900).text.find("choose a new id") != std::string::npos);

    const WallTime now = house.clock.wall();
    for (const auto shift : {std::chrono::hours(-24 * 30), std::chrono::hours(24)}) {
        const auto number =
            house.send_local({"bob@box.example.net"}, MessageId::generate(now + shift));
        house.until([&] { return house.control.rejected.contains(number); });
    }
    CHECK(house.queued() == 1);
}

TEST_CASE("a message above the limit is refused while it comes, and nothing is left of it") {
    House house;
    house.snapshot.max_message_bytes = 100'000;
    house.start();
    house.smtpin.channel->send(links::Begin{1, house.smtp_envelope(), 0});
    house.smtpin.channel->send(links::Recipients{1, {{"alice@box.example.net", {}, 12}}, {}});
    for (int i = 0; i < 4; ++i) {
        house.smtpin.channel->send(links::Chunk{1, std::string(60'000, 'x')});
    }
    house.until([&] { return house.smtpin.rejected.contains(1); });
    CHECK(house.smtpin.rejected.at(1).code == 552);
    house.until([&] { return house.files("tmp").empty(); });
    house.settle();
    CHECK(house.malformed.empty());
}

TEST_CASE("as many recipients as sendmail can name are taken, and not one more") {
    House house;
    house.start();
    house.hold_agents = true;
    for (const std::uint64_t number : {1U, 2U}) {
        house.control.channel->send(links::Begin{number, house.local_envelope(), 0});
        const links::Recipients some{
            number, std::vector<Recipient>(1000, {"bob@box.example.net", {}, notify_default}), {}};
        for (std::size_t i = 0; i < max_recipients; i += 1000) house.control.channel->send(some);
    }
    house.control.channel->send(links::Recipients{2, {{"bob@box.example.net", {}, 12}}, {}});
    house.control.channel->send(links::End{1, 0});
    house.until([&] { return house.control.committed.contains(1); });
    house.until([&] { return house.control.rejected.contains(2); });
    CHECK(house.control.rejected.at(2).enhanced == "5.5.3");
    CHECK(house.queued() == 1);
}

TEST_CASE("what control refuses for a recipient is accepted and bounced") {
    House house;
    house.start();
    Envelope envelope = house.local_envelope();
    house.control.channel->send(links::Begin{1, envelope, 0});
    house.control.channel->send(links::Recipients{1, {{"bob@box.example.net", {}, 12}}, {}});
    house.control.channel->send(
        links::Recipients{1, {{"not an address", {}, 12}}, {553, "5.1.3", "no address"}});
    house.control.channel->send(links::Chunk{1, "x\n\ny\n"});
    house.control.channel->send(links::End{1, 5});
    house.until([&] { return house.control.committed.contains(1); });
    house.until([&] { return house.delivered.size() == 2 && house.queued() == 0; });
    REQUIRE(house.mailbox("alice").size() == 1);
    CHECK(house.mailbox("alice").front().body.find("not an address") != std::string::npos);
    CHECK(house.mailbox("alice").front().body.find("Status: 5.1.3") != std::string::npos);
}

TEST_CASE("an aborted message leaves nothing, and an smtpin that dies leaves nothing half") {
    House house;
    house.start();
    house.smtpin.channel->send(links::Begin{1, house.smtp_envelope(), 0});
    house.smtpin.channel->send(links::Recipients{1, {{"alice@box.example.net", {}, 12}}, {}});
    for (int i = 0; i < 3; ++i) {
        house.smtpin.channel->send(links::Chunk{1, std::string(max_chunk, 'x')});
    }
    house.until([&] { return house.smtpin.credit > 0; });
    CHECK(house.files("tmp").size() == 1);
    SECTION("abort") {
        house.smtpin.channel->send(links::Abort{1});
    }
    SECTION("death") {
        house.smtpin.channel.reset();
    }
    house.until([&] { return house.files("tmp").empty(); });
    house.settle();
    CHECK(house.queued() == 0);
    CHECK(house.malformed.empty());
}
