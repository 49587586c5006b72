// An smtpin that was taken over, a control that has lost its mind, agents of hostile users: none of
// them may relay, get a message in that was not allowed, or end the room.
#include <unistd.h>

#include "smtpd/base/packet.h"
#include "tests/smtpd/qmgr/house.h"

using namespace holdfast;
using namespace holdfast::qmgr;

namespace {

links::Recipients recipients(std::uint64_t transaction, std::vector<std::string> addresses) {
    links::Recipients message{transaction, {}, {}};
    for (auto& address : addresses) {
        message.recipients.push_back({std::move(address), {}, notify_default});
    }
    return message;
}

using Attack = std::vector<links::SmtpinToQmgr>;

Attack attack_with(Envelope envelope) {
    return {links::Begin{1, std::move(envelope), 0}, recipients(1, {"alice@box.example.net"}),
            links::Chunk{1, "x\n"}, links::End{1, 2}};
}

std::vector<std::pair<std::string, Attack>> attacks(const House& house) {
    const Envelope honest = house.smtp_envelope();
    const links::Begin begin{1, honest, 0};
    const auto alice = recipients(1, {"alice@box.example.net"});
    std::vector<std::pair<std::string, Attack>> all;
    all.emplace_back("a recipient elsewhere",
                     Attack{begin, recipients(1, {"alice@box.example.net", "x@example.org"})});
    all.emplace_back("a recipient that is no address", Attack{begin, recipients(1, {"a\nb"})});
    all.emplace_back("no recipients", Attack{begin, links::Chunk{1, "x"}});
    all.emplace_back("no recipients and no body", Attack{begin, links::End{1, 0}});
    all.emplace_back("recipients behind the body",
                     Attack{begin, alice, links::Chunk{1, "x"}, alice});
    all.emplace_back("another length",
                     Attack{begin, alice, links::Chunk{1, "x"}, links::End{1, 2}});
    all.emplace_back("a transaction twice", Attack{begin, begin});
    links::Recipients verdict = alice;
    verdict.refusal = {550, "5.7.1", "no"};
    all.emplace_back("a file of drop/", Attack{links::Begin{1, honest, 1}});
    all.emplace_back("a verdict on recipients", Attack{begin, verdict});
    all.emplace_back("a chunk above the limit",
                     Attack{begin, alice, links::Chunk{1, std::string(max_chunk + 1, 'x')}});
    Envelope forged = honest;
    forged.source = Source::local;
    forged.uid = 0;
    all.emplace_back("a local message", attack_with(forged));
    forged = honest;
    forged.source = Source::queue;
    all.emplace_back("a bounce of ours", attack_with(forged));
    forged = honest;
    forged.id = {};
    all.emplace_back("no id", attack_with(forged));
    forged = honest;
    forged.sender = "a@b\nto: root";
    all.emplace_back("a sender with a line end", attack_with(forged));
    return all;
}

}  // namespace

TEST_CASE("an smtpin that was taken over is cut off, and its successor works") {
    House house;
    house.start();
    for (const auto& [name, attack] : attacks(house)) {
        INFO(name);
        house.malformed.clear();
        for (const auto& message : attack) house.smtpin.channel->send(message);
        house.until([&] { return !house.malformed.empty() && house.smtpin.ended; });
        CHECK(house.malformed == std::vector<links::Room>{links::Room::smtpin});
        house.meet_smtpin();
    }
    CHECK(house.smtpin.committed.empty());
    const auto number = house.send_smtp({"alice@box.example.net"});
    house.until([&] { return house.smtpin.committed.contains(number); });
    house.until([&] { return house.delivered.size() == 1 && house.queued() == 0; });
    CHECK(house.files("tmp").empty());
}

TEST_CASE("more transactions than are kept are turned away, not kept") {
    House house;
    house.start();
    for (std::uint64_t i = 1; i <= Intake::max_open + 10; ++i) {
        house.smtpin.channel->send(links::Begin{i, house.smtp_envelope(), 0});
    }
    house.until([&] { return house.smtpin.rejected.size() == 10; });
    CHECK(house.smtpin.rejected.begin()->second.code == 452);
    CHECK(house.malformed.empty());
}

TEST_CASE("an id of a message that is in the queue is not taken from smtpin again") {
    House house;
    house.start();
    house.hold_agents = true;
    Envelope envelope = house.smtp_envelope();
    for (const auto& message : attack_with(envelope)) house.smtpin.channel->send(message);
    house.until([&] { return house.smtpin.committed.contains(1); });
    for (auto message : attack_with(envelope)) house.smtpin.channel->send(message);
    house.until([&] { return !house.malformed.empty(); });
    CHECK(house.queued() == 1);
}

TEST_CASE("bytes that are no message end the channel they came on, and nothing else") {
    House house;
    house.start();
    std::string noise;
    append_frame(noise, "\xff\xff\xff\xff nonsense");
    REQUIRE(send_packet(house.smtpin.channel->socket(), noise));
    house.until([&] { return house.smtpin.ended; });
    REQUIRE(send_packet(house.control.channel->socket(), noise));
    house.until([&] { return house.control.ended; });
    REQUIRE(send_packet(house.users.channel->socket(), noise));
    house.until([&] { return house.malformed.size() == 3; });
    CHECK(house.malformed ==
          std::vector<links::Room>{links::Room::smtpin, links::Room::control, links::Room::users});
    house.meet_smtpin();
    house.meet_users();
    house.send_smtp({"alice@box.example.net"});
    house.until([&] { return house.delivered.size() == 1; });
}

TEST_CASE("control cannot submit as a file of drop/ that was never offered") {
    House house;
    house.start();
    links::Begin begin{1, house.local_envelope(), 77};
    house.control.channel->send(begin);
    house.until([&] { return house.control.rejected.contains(1); });
    CHECK(house.control.rejected.at(1).code < 500);
    CHECK(house.queued() == 0);
}

TEST_CASE("an agent's verdict counts only for what it was given, and its words are cleaned") {
    House house;
    house.start();
    house.verdict = [](FakeAgent& agent, const Delivered& mail) -> std::optional<Outcome> {
        if (agent.user == "bob") {
            agent.report(mail.deliver.job + 1, written);
            return std::nullopt;
        }
        return Outcome{Verdict::refused, "2.0.0\nX", "no\r\n\x1b[2J\nDate: now", "a\nb"};
    };
    house.send_smtp({"bob@box.example.net"});
    house.until([&] { return !house.agents.empty() && house.agents.front()->ended; });
    house.send_local({"carol@box.example.net"});
    house.verdict = nullptr;
    house.until(
        [&] { return house.mailbox("alice").size() == 1 || !house.mailbox("carol").empty(); });
    const Outcome clean = cleaned({Verdict::refused, "2.0.0", "a\nb\x1b", "c\n"});
    CHECK(clean.enhanced == "5.0.0");
    CHECK(clean.text == "a\\nb\\x1B");
    CHECK(clean.place == "c\\n");
    CHECK(cleaned({Verdict::retry, "4.2.2", std::string(5000, 'x'), {}}).text.size() <= 1024);
}

TEST_CASE("success with half of a body is no success") {
    House house;
    house.start();
    bool lied = false;
    house.users.names.insert("liar");
    house.verdict = [&](FakeAgent&, const Delivered&) { return std::optional(written); };
    house.hold_agents = true;
    const Envelope envelope = house.smtp_envelope();
    const std::string body(300'000, 'x');
    house.smtpin.channel->send(links::Begin{1, envelope, 0});
    house.smtpin.channel->send(recipients(1, {"liar@box.example.net"}));
    for (std::size_t at = 0; at < body.size(); at += 50'000) {
        house.until([&] { return at + 50'000 - house.smtpin.credit <= links::window; });
        house.smtpin.channel->send(links::Chunk{1, body.substr(at, 50'000)});
    }
    house.smtpin.channel->send(links::End{1, body.size()});
    house.until([&] { return house.spawns.size() == 1; });
    auto [ours, theirs] = socket_pair();
    struct Liar {
        void on(links::Deliver&& deliver) {
            lied = true;
            channel->send(links::Report{deliver.job, written});
        }
        void on(links::Bytes&&) {}
        void on_end(ChannelEnd) { ended = true; }
        bool& lied;
        bool ended = false;
        std::unique_ptr<Channel<links::MdaToQmgr, links::QmgrToMda>> channel;
    } liar{lied, false, nullptr};
    liar.channel = std::make_unique<Channel<links::MdaToQmgr, links::QmgrToMda>>(
        house.loop, std::move(ours), liar);
    house.parent->send(links::MdaSpawned{house.spawns.front().request, std::move(theirs)});
    house.until([&] { return liar.ended; });
    CHECK(lied);
    house.settle();
    CHECK(house.queued() == 1);
}
