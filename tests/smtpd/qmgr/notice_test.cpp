// Who is told what, when, and that nothing that was accepted goes without a word.
#include "tests/queue/fake_fs.h"
#include "tests/smtpd/qmgr/house.h"

using namespace holdfast;
using namespace holdfast::qmgr;
using namespace std::chrono_literals;

namespace {

const Outcome full{Verdict::retry, "4.2.2", "the mailbox is full", {}};

bool has(const Delivered& mail, std::string_view part) {
    return mail.body.find(part) != std::string::npos;
}

// bob's mailbox is full, all others work.
std::optional<Outcome> bob_is_full(FakeAgent& agent, const Delivered&) {
    return agent.user == "bob" ? full : written;
}

void until_deferred(House& house, std::uint64_t count = 1) {
    house.until([&] {
        house.settle();
        return house.control.counts->deferred == count && house.control.counts->active == 0 &&
               house.control.counts->queued == 0;
    });
}

}  // namespace

TEST_CASE("a sender hears of a typo at once, and once, while another recipient is deferred") {
    House house;
    house.start();
    house.verdict = bob_is_full;
    house.send_local({"nobody@box.example.net", "bob@box.example.net"});
    house.until([&] { return house.mailbox("alice").size() == 1; });
    CHECK(has(house.mailbox("alice")[0], "nobody@box.example.net"));
    CHECK_FALSE(has(house.mailbox("alice")[0], "<bob@"));
    until_deferred(house);

    house.control.channel->send(links::ListQuery{5, {}});
    house.until([&] { return house.control.lists.size() == 1; });
    const auto listed = house.control.lists.front().items.front().recipients;
    REQUIRE(listed.size() == 2);
    CHECK(listed[0].last.starts_with("refused: no user"));
    CHECK(listed[1].last == full.text);

    SECTION("by the same process") {}
    SECTION("by the next one") {
        house.kill_room();
        house.start();
    }
    house.flush();
    until_deferred(house);
    CHECK(house.mailbox("alice").size() == 1);
    house.verdict = nullptr;
    house.flush();
    house.until([&] { return house.queued() == 0; });
    CHECK(house.mailbox("alice").size() == 1);
    CHECK(house.mailbox("bob").size() == 1);
}

TEST_CASE("a sender is told once that a mail is late, and not where he asked for no notice") {
    House house;
    house.start();
    house.verdict = bob_is_full;
    SECTION("he did not") {
        house.send_local({"bob@box.example.net"});
        until_deferred(house);
        house.clock.mono_shift += 3h;
        house.flush();
        until_deferred(house);
        CHECK(house.mailbox("alice").empty());
        house.clock.mono_shift += 2h;
        house.flush();
        house.until([&] { return house.mailbox("alice").size() == 1; });
        CHECK(has(house.mailbox("alice")[0], "Action: delayed"));
        until_deferred(house);
        house.kill_room();
        house.start();
        house.clock.mono_shift += 5h;
        house.flush();
        until_deferred(house);
        CHECK(house.mailbox("alice").size() == 1);
    }
    SECTION("he did") {
        house.control.channel->send(links::Begin{1, house.local_envelope(), 0});
        house.control.channel->send(
            links::Recipients{1, {{"bob@box.example.net", {}, notify_failure}}, {}});
        house.control.channel->send(links::Chunk{1, "x\n"});
        house.control.channel->send(links::End{1, 2});
        until_deferred(house);
        house.clock.mono_shift += 5h;
        house.flush();
        until_deferred(house);
        CHECK(house.delivered.empty());
    }
}

TEST_CASE("where the postmaster cannot be reached the last bounce goes into root's own mailbox") {
    House house;
    house.start();
    house.alias("root", {"you@example.net"});  // and there is no relay
    house.users.names = {"bob"};
    const Logged logged;
    house.send_local({"nobody@box.example.net"});  // from alice, who does not exist any more
    house.until([&] { return house.mailbox("root").size() == 1 && house.queued() == 0; });
    CHECK(has(house.mailbox("root")[0], "not even to the"));
    CHECK(logged.lines("to=alice@box.example.net\n") == 1);
    CHECK(logged.lines("to=postmaster@box.example.net\n") == 2);
    CHECK(logged.lines("undeliverable msg=") == 1);
    CHECK(logged.lines("kept=\"in the mailbox of root") == 1);
    CHECK(house.delivered.size() == 1);
}

TEST_CASE("a last bounce that root's mailbox refuses too is kept in quarantine") {
    House house;
    house.start();
    house.users.names.clear();
    const Logged logged;
    house.verdict = [](FakeAgent&, const Delivered&) {
        return std::optional(Outcome{Verdict::refused, "5.2.1", "no", {}});
    };
    house.send_local({"nobody@box.example.net"});
    house.until([&] { return house.files("quarantine").size() == 1; });
    house.until([&] { return logged.lines("kept=quarantine/") == 1; });
    house.until([&] { return house.queued() == 0; });
    house.settle();
    CHECK(house.control.counts->quarantined == 1);
    CHECK(house.control.counts->active + house.control.counts->deferred == 0);
}

TEST_CASE("what control refused is in the file from its first moment on") {
    House house;
    house.start();
    house.hold_agents = true;
    house.control.channel->send(links::Begin{1, house.local_envelope(), 0});
    house.control.channel->send(links::Recipients{1, {{"bob@box.example.net", {}, 12}}, {}});
    house.control.channel->send(
        links::Recipients{1, {{"carol@box.example.net", {}, 12}}, {554, "5.4.6", "a mail loop"}});
    house.control.channel->send(links::Chunk{1, "x\n"});
    house.control.channel->send(links::End{1, 2});
    house.until([&] { return house.control.committed.contains(1); });
    house.kill_room();
    house.hold_agents = false;
    house.start();
    house.until([&] { return house.delivered.size() == 2 && house.queued() == 0; });
    CHECK(house.mailbox("carol").empty());
    REQUIRE(house.mailbox("alice").size() == 1);
    CHECK(has(house.mailbox("alice")[0], "a mail loop"));
}

TEST_CASE("a message that is refused before it is read by anybody is bounced in one piece") {
    queue::FakeFileSystem fs;  // every file is on disk when it is renamed
    fs.now = real_clock().wall();
    House house(&fs, fs.open_root());
    house.start();
    house.control.channel->send(links::Begin{1, house.local_envelope(), 0});
    house.control.channel->send(links::Recipients{
        1, {{"carol@box.example.net", {}, 12}}, {552, "5.3.4", "the limit is 1000"}});
    house.control.channel->send(links::Chunk{1, "x\n"});
    house.control.channel->send(links::End{1, 2});
    house.until([&] { return house.mailbox("alice").size() == 1; });
    CHECK(has(house.mailbox("alice")[0], "the limit is 1000"));
    CHECK(house.delivered.size() == 1);
}
