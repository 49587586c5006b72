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
    facts.plan = *plan_notice(message.envelope, facts.origin);
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

TEST_CASE("F41 F55 no bounce for the null sender, none for a bounce but one word to postmaster") {
    Envelope envelope;
    envelope.source = Source::smtp;
    envelope.recipients = {{"nobody@box.example.net", {}, notify_default}};
    CHECK_FALSE(plan_notice(envelope, "box.example.net"));

    envelope.source = Source::queue;
    const auto plan = plan_notice(envelope, "box.example.net");
    REQUIRE(plan);
    CHECK(plan->reader == Reader::postmaster);
    CHECK(plan->to == "postmaster@box.example.net");

    NoticeFacts facts;
    facts.plan = *plan;
    Envelope second = notice_envelope(facts);
    CHECK(second.sender.empty());
    CHECK_FALSE(plan_notice(second, "box.example.net"));
    second.recipients[0].address = "Postmaster@BOX.example.net";
    CHECK_FALSE(plan_notice(second, "box.example.net"));
}

TEST_CASE("a bounce to a sender may fail and be told to the postmaster; that one may not") {
    NoticeFacts facts = facts_of(failed_message());
    const Envelope first = notice_envelope(facts);
    CHECK(first.source == Source::queue);
    CHECK(first.recipients.front().address == "alice@box.example.net");
    CHECK((first.recipients.front().notify & notify_failure) != 0);
    facts.plan.reader = Reader::postmaster;
    CHECK(notice_envelope(facts).recipients.front().notify == notify_never);
}

TEST_CASE("a notice that a crash cut short keeps its id") {
    queue::Message message = failed_message();
    CHECK_FALSE(announced_notice(message));
    const MessageId id = MessageId::generate(real_clock().wall());
    queue::apply(message.state, {9, queue::Noticed{queue::Notice::failure, id, {0, 1, 2, 3}}});
    CHECK(announced_notice(message) == id);
    CHECK(failed_recipients(message).size() == 2);
}
