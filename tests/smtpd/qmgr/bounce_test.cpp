#include "smtpd/qmgr/bounce.h"

#include <algorithm>
#include <sstream>

#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::qmgr;

namespace {

queue::Message failed_message() {
    queue::Message message;
    Envelope& envelope = message.envelope;
    envelope.id = *MessageId::parse("01JD6J1ZD0RZ4M6Q8G3X5T7WVK");
    envelope.admitted = 1'795'247'418'000;
    envelope.sender = "alice@box.example.net";
    envelope.recipients = {
        {"nobody@box.example.net", "rfc822;Nobody@box.example.net", notify_default},
        {"bob@box.example.net", {}, notify_default},
        {"silent@box.example.net", {}, notify_never},
        {"team@box.example.net", {}, notify_default}};
    message.state.recipients.resize(4);
    const auto refused = [](std::string text) {
        return Outcome{Verdict::refused, "5.1.1", std::move(text), {}};
    };
    queue::apply(message.state, {1, queue::Attempted{0, {}, refused("no user \"nobody\" here")}});
    queue::apply(message.state,
                 {2, queue::Attempted{1, {}, {Verdict::delivered, "2.0.0", {}, "mbox"}}});
    queue::apply(message.state, {3, queue::Attempted{2, {}, refused("no user")}});
    queue::apply(message.state, {4, queue::Expanded{3, {"carol", "dave"}}});
    queue::apply(message.state,
                 {5, queue::Attempted{3, "carol", {Verdict::delivered, "2.0.0", {}, {}}}});
    queue::apply(message.state,
                 {6, queue::Attempted{3, "dave", refused("mailbox of dave is gone")}});
    return message;
}

NoticeFacts facts_of(const queue::Message& message) {
    NoticeFacts facts;
    facts.id = MessageId::generate(real_clock().wall());
    facts.hostname = "box.example.net";
    facts.origin = "box.example.net";
    facts.now = real_clock().wall();
    facts.plan = *plan_bounce(message, facts.origin);
    facts.failed = message.envelope;
    facts.recipients = failed_recipients(message);
    return facts;
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

const std::string small_mail = "Subject: hello\nTo: nobody\n\nThe body.\n";

}  // namespace

TEST_CASE("a bounce names each recipient that failed, with its status and the whole reply") {
    const NoticeFacts facts = facts_of(failed_message());
    const std::string text = render_notice(facts, small_mail);
    CHECK(facts.recipients.size() == 2);
    CHECK(has(text, "To: <alice@box.example.net>\n"));
    CHECK(has(text, "Auto-Submitted: auto-replied\n"));
    CHECK(has(text, "Content-Type: multipart/report; report-type=delivery-status;"));
    CHECK(has(text, "\nReporting-MTA: dns; box.example.net\n"));
    CHECK(has(text, "\nArrival-Date: "));
    CHECK(has(text, "\nOriginal-Recipient: rfc822;Nobody@box.example.net\n"));
    CHECK(has(text,
              "\nFinal-Recipient: rfc822; nobody@box.example.net\nAction: failed\n"
              "Status: 5.1.1\nDiagnostic-Code: X-Holdfast; no user \"nobody\" here\n"));
    CHECK(has(text, "The body.\n"));
    CHECK_FALSE(has(text, "bob@"));
    CHECK_FALSE(has(text, "silent@"));
}

TEST_CASE("a bounce never shows what an alias expanded to") {
    const std::string text = render_notice(facts_of(failed_message()), small_mail);
    CHECK(has(text, "team@box.example.net"));
    CHECK_FALSE(has(text, "dave"));
    CHECK_FALSE(has(text, "carol"));
}

TEST_CASE("F24 nothing in a reply can add a line or a field to a bounce") {
    NoticeFacts facts = facts_of(failed_message());
    facts.recipients[0].outcome.text = "no\r\nStatus: 2.0.0\r\n\r\n--holdfast\x1b[2J\xff";
    facts.recipients[0].outcome.enhanced = "5.1.1\nX: y";
    facts.recipients[0].recipient.address = "x\n\nAction: delivered@y";
    facts.recipients[0].recipient.original = "rfc822;a\nAction: relayed";
    facts.failed.envid = "e\nFinal-Recipient: rfc822; z";
    const std::string text = render_notice(facts, small_mail);
    CHECK(has(text, "Status: 5.0.0\n"));
    CHECK_FALSE(has(text, "\nStatus: 2.0.0"));
    CHECK_FALSE(has(text, "\nAction: delivered"));
    CHECK_FALSE(has(text, "\nAction: relayed"));
    CHECK_FALSE(has(text, "\nFinal-Recipient: rfc822; z"));
    CHECK(std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= 0x20 && c < 0x7f); }));
}

TEST_CASE("no line of our own is longer than mail may carry") {
    NoticeFacts facts = facts_of(failed_message());
    facts.recipients[0].outcome.text = std::string(20'000, 'x');
    facts.recipients[0].recipient.original = std::string(5'000, 'y');
    std::istringstream lines(render_notice(facts, small_mail));
    for (std::string line; std::getline(lines, line);) REQUIRE(line.size() <= 998);
}

TEST_CASE("a large message returns its header only, and so does a small one where that was asked") {
    NoticeFacts facts = facts_of(failed_message());
    const std::string large = "Subject: hello\n\n" + std::string(return_limit, 'x');
    const std::string text = render_notice(facts, large.substr(0, return_limit));
    CHECK(has(text, "text/rfc822-headers"));
    CHECK(has(text, "Subject: hello\n"));
    CHECK_FALSE(has(text, "xxxx"));

    facts.failed.ret = Return::headers;
    const std::string asked = render_notice(facts, small_mail);
    CHECK(has(asked, "text/rfc822-headers"));
    CHECK_FALSE(has(asked, "The body."));
}

TEST_CASE("a header without end is cut, and a message without header stays what it is") {
    const NoticeFacts facts = facts_of(failed_message());
    std::string endless;
    while (endless.size() <= return_limit) endless += "X-Long: " + std::string(100, 'x') + "\n";
    CHECK(render_notice(facts, endless.substr(0, return_limit)).size() < header_limit + 4096);
    CHECK(has(render_notice(facts, std::string(return_limit, 'y')), "text/rfc822-headers"));
    CHECK(has(render_notice(facts, ""), "message/rfc822"));
    CHECK(has(render_notice(facts, "\nbody only\n"), "body only"));
}

namespace {

// A notice of ours to `to` that was refused.
queue::Message refused_notice(const std::string& to) {
    queue::Message message;
    message.envelope.source = Source::queue;
    message.envelope.recipients = {{to, {}, notify_failure}};
    message.state.recipients.resize(1);
    queue::apply(message.state,
                 {1, queue::Attempted{0, {}, {Verdict::refused, "5.2.1", "no", {}}}});
    return message;
}

}  // namespace

TEST_CASE("F41 F55 no bounce for a stranger's null sender") {
    queue::Message message = refused_notice("nobody@box.example.net");
    message.envelope.source = Source::smtp;
    CHECK_FALSE(plan_bounce(message, "box.example.net"));
    CHECK_FALSE(plan_delay(message));
}

TEST_CASE(
    "F41 a bounce that fails goes to postmaster, then to root without aliases, and no further") {
    queue::Message message = refused_notice("nobody@box.example.net");
    const auto plan = plan_bounce(message, "box.example.net");
    REQUIRE(plan);
    CHECK(plan->reader == Reader::postmaster);
    CHECK(plan->to == "postmaster@box.example.net");

    NoticeFacts facts;
    facts.plan = *plan;
    CHECK(notice_envelope(facts).sender.empty());
    CHECK((notice_envelope(facts).recipients.front().notify & notify_failure) != 0);
    CHECK(notice_verdicts(facts).empty());

    message = refused_notice("Postmaster@BOX.example.net");
    facts.plan = *plan_bounce(message, "box.example.net");
    CHECK(facts.plan.reader == Reader::root);
    REQUIRE(notice_verdicts(facts).size() == 1);

    message = refused_notice(facts.plan.to);
    message.state = {};
    message.state.recipients.resize(1);
    REQUIRE(queue::apply(message.state, notice_verdicts(facts).front()));
    CHECK(message.state.recipients[0].expansion == std::vector<std::string>{"root"});
    CHECK_FALSE(plan_bounce(message, "box.example.net"));
}

TEST_CASE("a bounce tells of those that failed since the last one, and of none that is half done") {
    queue::Message message = failed_message();
    CHECK(failed_recipients(message).size() == 2);
    queue::apply(message.state,
                 {9, queue::Noticed{queue::Notice::failure, MessageId::generate({}), {0}}});
    auto failed = failed_recipients(message);
    REQUIRE(failed.size() == 1);
    CHECK(failed.front().number == 3);
    message.state.recipients[3].expansion.emplace_back("erin");  // still pending
    CHECK(failed_recipients(message).empty());
}

TEST_CASE("a sender is told once that a mail is late, with a notice that says delayed") {
    queue::Message message = failed_message();
    CHECK(delayed_recipients(message).empty());
    const Outcome full{Verdict::retry, "4.2.2", "the mailbox is full", {}};
    message.state.recipients[0] = {};
    queue::apply(message.state, {7, queue::Attempted{0, {}, full}});
    message.state.recipients[2] = {};  // who asked for no notice
    queue::apply(message.state, {7, queue::Attempted{2, {}, full}});
    const auto late = delayed_recipients(message);
    REQUIRE(late.size() == 1);
    CHECK(late.front().number == 0);

    NoticeFacts facts = facts_of(message);
    facts.plan = *plan_delay(message);
    facts.recipients = late;
    const std::string text = render_notice(facts, small_mail);
    CHECK(has(text, "Subject: Your mail is delayed\n"));
    CHECK(has(text, "Action: delayed\nStatus: 4.2.2\n"));
    CHECK(has(text, "Subject: hello"));
    CHECK_FALSE(has(text, "The body."));
    CHECK(notice_envelope(facts).recipients.front().notify == notify_never);

    queue::apply(message.state,
                 {9, queue::Noticed{queue::Notice::delay, MessageId::generate({}), {0}}});
    CHECK(delayed_recipients(message).empty());
    message.envelope.sender.clear();
    CHECK_FALSE(plan_delay(message));
}

TEST_CASE("a notice of a delay does not show what stands behind an alias") {
    queue::Message message = failed_message();
    message.state.recipients[0] = {};
    queue::apply(message.state,
                 {7, queue::Attempted{0, "dave", {Verdict::retry, "4.2.2", "dave is full", {}}}});
    const auto late = delayed_recipients(message);
    REQUIRE(late.size() == 1);
    CHECK_FALSE(has(late.front().outcome.text, "dave"));
}
