// Mail for other machines: the room with a relay that a test plays.
#include "queue/layout.h"
#include "tests/smtpd/qmgr/house.h"

using namespace holdfast;
using namespace holdfast::qmgr;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view wrong_password = "AUTH: 535 5.7.8 authentication failed";

void refuse_logins(House& house) {
    house.relay_verdict = [](FakeRelay& relay, std::uint64_t job) {
        relay.answer(job, links::Way::broken, std::string(wrong_password));
    };
}

// Nothing more happens by itself: time has to pass.
void pass(House& house, Duration time) {
    house.clock.mono_shift += time;
    house.clock.wall_shift += std::chrono::duration_cast<std::chrono::milliseconds>(time);
}

}  // namespace

TEST_CASE("mail for another machine goes to relay with all that belongs to it") {
    House house;
    house.have_relay();
    house.start();
    std::string body = "Subject: large\n\n";
    while (body.size() < 200'000) body += std::to_string(body.size()) + " bottles of beer\n";
    house.send_local({"a@example.org", "alice@localhost", "b@EXAMPLE.com"}, {}, body);
    house.until([&] { return house.queued() == 0 && house.relay->sent.size() == 1; });
    CHECK(house.mailbox("alice").size() == 1);
    const FakeRelay::Job& sent = house.relay->sent.front();
    CHECK(sent.body == body);
    CHECK(sent.send.sender == "alice@box.example.net");
    CHECK(sent.send.relays == std::vector<std::uint32_t>{0});
    REQUIRE(sent.send.recipients.size() == 2);
    CHECK(sent.send.recipients[0].address == "a@example.org");
    CHECK(sent.send.recipients[1].address == "b@example.com");
}

TEST_CASE("recipients are settled each by its own verdict, and only the others are tried again") {
    House house;
    house.have_relay();
    house.relay_verdict = [](FakeRelay& relay, std::uint64_t job) {
        const auto recipients = relay.jobs.at(job).send.recipients;
        links::Sent sent{job, {}, links::Way::usable, {}, false};
        for (const Recipient& one : recipients) {
            Outcome outcome = written;
            if (one.address == "no@example.org")
                outcome = {Verdict::refused, "5.1.1", "550 no", {}};
            if (one.address == "later@example.org") {
                outcome = {Verdict::retry, "4.2.0", "450 greylisted", {}};
            }
            sent.recipients.push_back({outcome, false});
        }
        relay.channel->send(links::FinalDot{job});
        relay.channel->send(std::move(sent));
    };
    house.start();
    house.send_local({"yes@example.org", "no@example.org", "later@example.org"});
    // The bounce for one, to the sender.
    house.until([&] { return house.mailbox("alice").size() == 1; });
    CHECK(house.mailbox("alice").front().body.find("550 no") != std::string::npos);
    house.relay_verdict = nullptr;
    house.flush();
    house.until([&] { return house.queued() == 0; });
    REQUIRE(house.relay->sent.size() == 1);
    REQUIRE(house.relay->sent.front().send.recipients.size() == 1);
    CHECK(house.relay->sent.front().send.recipients[0].address == "later@example.org");
}

TEST_CASE(
    "F45 a wrong password for a week bounces nothing, is told once, and all mail goes at last") {
    House house;
    house.have_relay();
    refuse_logins(house);
    house.start();
    constexpr int many = 1000;
    for (int i = 0; i < many; ++i) house.send_local({"r" + std::to_string(i) + "@example.org"});
    house.until([&] { return house.control.committed.size() == many; });
    house.until([&] { return !house.mailbox("root").empty(); });
    for (int hour = 0; hour < 24 * 7; ++hour) {
        const std::size_t before = house.relay->attempts;
        pass(house, 1h);
        house.flush();  // timers of the loop stay on real time
        house.until([&] { return house.relay->attempts > before && house.relay->jobs.empty(); });
        house.settle();
    }
    CHECK(house.queued() == many);
    CHECK(house.mailbox("alice").empty());
    REQUIRE(house.mailbox("root").size() == 1);
    CHECK(house.mailbox("root").front().body.find(wrong_password) != std::string::npos);
    // Not everybody is tried each time.
    CHECK(house.relay->attempts < many);
    house.relay_verdict = nullptr;
    house.flush();
    house.until([&] { return house.queued() == 0; });
    CHECK(house.relay->sent.size() == many);
    CHECK(house.mailbox("alice").empty());
}

TEST_CASE("F42 a destination that hangs stalls only itself") {
    House house;
    house.have_relay();
    house.snapshot.relays.push_back({"other", "smtpd.conf:4", {}, 20});
    house.snapshot.routes.insert(house.snapshot.routes.begin(), {links::RouteBy::recipient,
                                                                 links::RouteMatch::domain,
                                                                 "living.example",
                                                                 {1},
                                                                 "smtpd.conf:5"});
    house.relay_verdict = [](FakeRelay& relay, std::uint64_t job) {
        if (relay.jobs.at(job).send.relays.front() == 0) return;
        relay.answer(job, written);
    };
    house.start();
    constexpr std::size_t hanging = 1000;
    for (std::size_t i = 0; i < hanging; ++i) house.send_local({"a@dead.example"});
    for (std::size_t i = 0; i < 100; ++i) house.send_local({"a@living.example"});
    house.until([&] { return house.relay->sent.size() == 100 && house.queued() == hanging; });
    CHECK(house.relay->jobs.size() == 1);
}

TEST_CASE(
    "what cannot be reached is tried once in a while, and its mail waits without being tried") {
    House house;
    house.have_relay();
    house.relay_verdict = [](FakeRelay& relay, std::uint64_t job) {
        relay.answer(job, links::Way::unreachable, "connect: no route to host");
    };
    house.start();
    house.send_local({"a@example.org"});
    house.until([&] { return house.relay->attempts == 1; });
    house.settle();
    for (int i = 0; i < 50; ++i) house.send_local({"a@example.org"});
    house.until([&] { return house.control.committed.size() == 51; });
    house.until([&] {
        house.settle();
        return house.control.counts->deferred == 51;
    });
    CHECK(house.relay->attempts == 1);
    house.relay_verdict = nullptr;
    pass(house, 1min);
    house.flush();
    house.until([&] { return house.queued() == 0; });
    CHECK(house.relay->sent.size() == 51);
}

TEST_CASE("relay that dies has its mail sent by the next one, but what may have gone waits") {
    House house;
    house.have_relay();
    std::size_t calls = 0;
    house.relay_verdict = [&](FakeRelay& relay, std::uint64_t job) {
        if (++calls == 1) return relay.answer(job, written);
        if (calls == 2) relay.channel->send(links::FinalDot{job});
    };
    house.start();
    house.send_local({"a@example.org"});  // from then on it gets two at once
    house.until([&] { return house.relay->sent.size() == 1; });
    house.send_local({"first@example.org"});
    house.until([&] { return calls == 2; });
    house.send_local({"second@example.org"});
    house.until([&] { return calls == 3; });
    house.settle();
    house.relay_verdict = nullptr;
    Logged logged;
    house.relay->channel.reset();
    house.until([&] { return logged.lines("maybe-delivered") == 1; });
    house.meet_relay();
    house.until([&] { return house.relay->sent.size() == 1; });
    CHECK(house.relay->sent.front().send.recipients.front().address == "second@example.org");
    CHECK(house.malformed.empty());
    house.flush();
    house.until([&] { return house.queued() == 0; });
    CHECK(house.relay->sent.size() == 2);
}

TEST_CASE(
    "a message that is turned away while others are taken waits for its turn, not for hours") {
    House house;
    house.have_relay();
    std::size_t calls = 0;
    std::vector<std::uint64_t> kept;
    house.relay_verdict = [&](FakeRelay& relay, std::uint64_t job) {
        ++calls;
        if (calls == 2) return kept.push_back(job);
        if (calls != 3) return relay.answer(job, written);
        relay.answer(job, links::Way::unreachable, "421 too many connections");
        relay.answer(kept.front(), written);
    };
    house.start();
    house.send_local({"a@example.org"});
    house.until([&] { return calls == 1; });
    house.send_local({"b@example.org"});
    house.send_local({"c@example.org"});
    house.until([&] { return house.queued() == 0; });
    CHECK(house.relay->sent.size() == 3);
}

TEST_CASE("a flush in the midst of an attempt that fails is followed by another attempt") {
    House house;
    house.have_relay();
    std::vector<std::uint64_t> held;
    std::size_t calls = 0;
    house.relay_verdict = [&](FakeRelay& relay, std::uint64_t job) {
        if (++calls == 1) return held.push_back(job);
        relay.answer(job, written);
    };
    house.start();
    house.send_local({"a@example.org"});
    house.until([&] { return calls == 1; });
    house.flush();
    house.settle();
    house.relay->answer(held.front(), {Verdict::retry, "4.2.0", "450 busy", {}});
    house.until([&] { return house.queued() == 0; });
    CHECK(calls == 2);
}

TEST_CASE("a message that relay dies of each time is deferred") {
    House house;
    house.have_relay();
    std::size_t calls = 0;
    house.relay_verdict = [&](FakeRelay&, std::uint64_t) { ++calls; };
    house.start();
    house.send_local({"a@example.org"});
    for (std::size_t i = 1; i <= 3; ++i) {
        house.until([&] { return calls == i; });
        house.meet_relay();
    }
    house.until([&] {
        house.settle();
        return house.control.counts->deferred == 1;
    });
    CHECK(calls == 3);
}

TEST_CASE("relay that has been taken over cannot say that what it never had was delivered") {
    House house;
    house.have_relay();
    bool late = false;
    house.relay_verdict = [&](FakeRelay& relay, std::uint64_t job) {
        if (std::exchange(late, true)) return;
        links::Sent sent{job, {{written, false}}, links::Way::usable, {}, false};
        SECTION("a success before the end of the message") {
            relay.channel->send(sent);
        }
        SECTION("a verdict on another job") {
            sent.job = job + 1;
            relay.channel->send(sent);
        }
        SECTION("verdicts on more recipients") {
            sent.recipients.resize(2);
            relay.channel->send(links::FinalDot{job});
            relay.channel->send(sent);
        }
        SECTION("the end of another job") {
            relay.channel->send(links::FinalDot{job + 1});
        }
        SECTION("bytes that are not there") {
            relay.channel->send(links::Pull{job, 1'000'000, 1});
        }
    };
    house.start();
    house.send_local({"a@example.org"});
    house.until([&] { return !house.malformed.empty(); });
    CHECK(house.malformed.front() == links::Room::relay);
    CHECK(house.relay->ended);
    CHECK(house.queued() == 1);
    house.relay_verdict = nullptr;
    house.meet_relay();
    house.settle();
    house.flush();  // where it may have been taken, it waits
    house.until([&] { return house.queued() == 0; });
}

TEST_CASE("smtpin's clients relay where they may, and where a route leads") {
    House house;
    house.have_relay();
    house.snapshot.routes.front().by = links::RouteBy::recipient;
    house.snapshot.routes.front().pattern = "example.org";
    house.start();
    const auto ask = [&](const std::string& recipient, bool may_relay) {
        house.smtpin.replies.clear();
        house.smtpin.channel->send(
            links::RecipientQuery{1, "someone@example.com", recipient, may_relay});
        house.until([&] { return house.smtpin.replies.size() == 1; });
        return house.smtpin.replies.front().refusal.code;
    };
    CHECK(ask("a@example.org", true) == 0);
    CHECK(ask("a@example.org", false) == 550);
    CHECK(ask("a@example.net", true) == 550);
    CHECK(ask("alice@localhost", false) == 0);
    house.send_smtp({"a@example.org"});
    house.until([&] { return house.relay->sent.size() == 1; });
}
