#include "smtpd/qmgr/round.h"

#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::qmgr;

namespace {

queue::Message message_for(std::size_t recipients) {
    queue::Message message;
    for (std::size_t i = 0; i < recipients; ++i) {
        message.envelope.recipients.push_back(
            {"r" + std::to_string(i) + "@box.example.net", {}, notify_default});
    }
    message.state.recipients.resize(recipients);
    return message;
}

Route to(std::string user) {
    return {false, {{"", MailboxOf{std::move(user)}}}, {}};
}

Route alias(const std::vector<std::string>& users) {
    Route route;
    route.aliased = true;
    for (const std::string& user : users) route.targets.push_back({user, MailboxOf{user}});
    return route;
}

const Outcome good{Verdict::delivered, "2.0.0", "written", "maildir"};
const Outcome later{Verdict::retry, "4.2.2", "the mailbox is full", {}};
const Outcome never{Verdict::refused, "5.1.1", "no user", {}};

std::span<const Outcome> all(const Outcome& outcome) {
    return {&outcome, 1};
}

// What a restart would know: the entries that were recorded, read back.
queue::Message replayed(const queue::Message& fresh, const std::vector<queue::LogEntry>& entries) {
    queue::Message message = fresh;
    for (const auto& entry : entries) REQUIRE(queue::apply(message.state, entry));
    return message;
}

}  // namespace

TEST_CASE("each mailbox gets a message once, and all who lead there share what came of it") {
    queue::Message message = message_for(3);
    Round round(message, {to("alice"), alias({"bob", "alice"}), to("bob")}, 1);
    REQUIRE(round.stops() == 2);
    CHECK(round.stop(0).places.front().name == "alice");
    CHECK(round.stop(0).places.front().refs.front().recipient == 0);
    CHECK(round.stop(1).places.front().name == "bob");
    CHECK(round.stop(1).places.front().refs.front().recipient == 1);
    round.report(0, all(good), 2);
    CHECK(message.state.recipients[0].settled());
    CHECK_FALSE(message.state.recipients[1].settled());
    CHECK_FALSE(round.over());
    CHECK(round.has_success());
    round.report(1, all(good), 3);
    CHECK(round.over());
    CHECK(round.settled());
    CHECK(round.news().take().size() == 4);
    CHECK(round.news().take().empty());
    CHECK(round.news().take_rest().empty());
}

TEST_CASE("an expansion is fixed once a target settles, and not before") {
    const queue::Message fresh = message_for(1);
    queue::Message message = fresh;
    Round first(message, {alias({"alice", "bob"})}, 1);
    first.report(0, all(later), 1);
    first.report(1, all(later), 1);
    auto entries = first.take_entries();
    queue::Message after = replayed(fresh, entries);
    CHECK_FALSE(after.state.recipients[0].expanded);

    Round second(after, {alias({"alice", "carol"})}, 2);
    second.report(0, all(good), 2);
    second.report(1, all(later), 2);
    for (auto& entry : second.take_entries()) entries.push_back(entry);
    const queue::Message last = replayed(fresh, entries);
    REQUIRE(last.state.recipients[0].expanded);
    CHECK(last.state.recipients[0].expansion == std::vector<std::string>{"alice", "carol"});
    CHECK(last.state.recipients[0].target("alice").progress == queue::Progress::delivered);
    CHECK_FALSE(last.state.recipients[0].settled());
}

TEST_CASE("a mailbox that has the message does not get it again through another recipient") {
    const queue::Message fresh = message_for(2);
    queue::Message message = fresh;
    Round first(message, {to("alice"), {false, {{"", later}}, {}}}, 1);
    REQUIRE(first.stops() == 1);
    first.report(0, all(good), 1);
    queue::Message after = replayed(fresh, first.take_entries());

    Round second(after, {to("alice"), alias({"alice", "bob"})}, 2);
    REQUIRE(second.stops() == 1);
    CHECK(second.stop(0).places.front().name == "bob");
    second.report(0, all(good), 2);
    CHECK(second.settled());
}

TEST_CASE("a crash that keeps only the first lines of a record delivers nothing twice") {
    const queue::Message fresh = message_for(3);
    queue::Message message = fresh;
    Round round(message, {to("alice"), alias({"alice", "bob"}), to("bob")}, 1);
    round.report(0, all(good), 1);
    round.report(1, all(good), 1);
    const auto entries = round.take_entries();
    for (std::size_t kept = 0; kept <= entries.size(); ++kept) {
        const std::vector<queue::LogEntry> survivors(
            entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(kept));
        queue::Message after = replayed(fresh, survivors);
        const bool alice = after.state.recipients[0].settled();
        Round again(after, {to("alice"), alias({"alice", "bob"}), to("bob")}, 2);
        for (std::size_t i = 0; i < again.stops(); ++i) {
            if (alice) REQUIRE(again.stop(i).places.front().name != "alice");
            again.report(i, all(good), 2);
        }
        REQUIRE(again.settled());
    }
}

TEST_CASE("what cannot be delivered at all is settled without an agent") {
    queue::Message message = message_for(2);
    Round round(message, {{false, {{"", never}}, {}}, {false, {{"", later}}, {}}}, 1);
    CHECK(round.stops() == 0);
    CHECK(round.over());
    CHECK_FALSE(round.settled());
    CHECK_FALSE(round.has_success());
    CHECK(round.has_entries());
    CHECK(message.state.recipients[0].settled());
}

TEST_CASE("giving up settles what is pending and says what was tried last") {
    queue::Message message = message_for(2);
    Round round(message, {alias({"alice", "bob"}), to("carol")}, 1);
    round.report(0, all(good), 1);
    round.report(1, all(later), 1);
    round.report(2, all(later), 1);
    CHECK_FALSE(round.settled());
    round.expire("4d", 2);
    CHECK(round.settled());
    const Outcome last = message.state.recipients[1].target("").last;
    CHECK(last.verdict == Verdict::refused);
    CHECK(last.enhanced == "4.4.7");
    CHECK(last.text.find("the mailbox is full") != std::string::npos);
}

TEST_CASE("a stop that found no room stays pending, and does not expire untried") {
    queue::Message message = message_for(2);
    Round round(message, {to("alice"), to("bob")}, 1);
    round.skip(0);
    round.report(1, all(good), 1);
    CHECK(round.over());
    CHECK(round.skipped());
    round.expire("4d", 2);
    CHECK_FALSE(round.settled());
    CHECK(message.state.recipients[0].targets.empty());
}

TEST_CASE("a verdict counts once, and entries that could not be recorded come again") {
    queue::Message message = message_for(1);
    Round round(message, {to("alice")}, 1);
    round.report(0, all(good), 1);
    round.report(0, all(never), 1);
    CHECK(message.state.recipients[0].target("").progress == queue::Progress::delivered);
    CHECK(round.news().take().size() == 1);
    auto entries = round.take_entries();
    CHECK(entries.size() == 1);
    CHECK_FALSE(round.has_success());
    round.give_back(std::move(entries));
    CHECK(round.has_success());
    CHECK(round.news().take().empty());
    CHECK(round.take_entries().size() == 1);
}

TEST_CASE("recipients that share a mailbox are told one by one up to twenty, the rest is counted") {
    constexpr std::size_t many = 500;
    queue::Message message = message_for(many);
    std::vector<Route> routes(many, to("alice"));
    routes.back() = to("bob");
    routes.front() = {false, {{"", never}}, {}};
    Round round(message, std::move(routes), 1);
    REQUIRE(round.stops() == 2);
    round.report(0, all(later), 2);
    round.report(1, all(later), 2);
    CHECK(round.news().take().size() == RoundNews::max_single + 2);
    const auto rest = round.news().take_rest();
    REQUIRE(rest.size() == 1);
    CHECK(rest.front().mailbox == "alice");
    CHECK(rest.front().recipients == many - 2 - RoundNews::max_single);
    CHECK(rest.front().status == "4.2.2");
    CHECK(round.news().take_rest().empty());
}

TEST_CASE("recipients that come to no mailbox share their lines by status, whatever is said") {
    RoundNews news;
    for (std::uint32_t i = 0; i < 100; ++i) {
        news.add({}, {i, {}, {Verdict::refused, "5.1.1", "no user " + std::to_string(i), {}}});
        news.add({}, {i, {}, {Verdict::retry, "4.3.0", "cannot ask", {}}});
    }
    CHECK(news.take().size() == 2 * RoundNews::max_single);
    CHECK(news.take_rest().size() == 2);
}
