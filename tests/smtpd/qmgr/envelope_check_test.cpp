#include "smtpd/qmgr/envelope_check.h"

#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::qmgr;
using namespace std::chrono_literals;

namespace {

Envelope stranger() {
    Envelope envelope;
    envelope.id = MessageId::generate(real_clock().wall());
    envelope.sender = "someone@example.org";
    return envelope;
}

Envelope local() {
    Envelope envelope = stranger();
    envelope.source = Source::local;
    envelope.uid = 1000;
    return envelope;
}

Router router() {
    links::QmgrSnapshot snapshot;
    snapshot.origin = "box.example.net";
    snapshot.local_domains = {"box.example.net"};
    return Router(snapshot);
}

}  // namespace

TEST_CASE("an envelope that an honest room cannot have sent is a breach") {
    CHECK_FALSE(breach_in(stranger(), Submitter::stranger));
    CHECK_FALSE(breach_in(local(), Submitter::user));
    CHECK(breach_in(stranger(), Submitter::user));
    CHECK(breach_in(local(), Submitter::stranger));

    Envelope envelope = stranger();
    envelope.id = {};
    CHECK(breach_in(envelope, Submitter::stranger));
    envelope = stranger();
    envelope.source = Source::queue;
    CHECK(breach_in(envelope, Submitter::stranger));
    CHECK(breach_in(envelope, Submitter::user));
    envelope = stranger();
    envelope.sender = "a@b\nto: c@d";
    CHECK(breach_in(envelope, Submitter::stranger));
    envelope = stranger();
    envelope.recipients.push_back({"root@example.org", {}, notify_default});
    CHECK(breach_in(envelope, Submitter::stranger));
    envelope = stranger();
    envelope.helo = std::string(5000, 'x');
    CHECK(breach_in(envelope, Submitter::stranger));
    envelope = stranger();
    envelope.sender.clear();
    CHECK_FALSE(breach_in(envelope, Submitter::stranger));
}

TEST_CASE("a recipient elsewhere is a breach from smtpin, a refusal from a user, fine from drop/") {
    const Recipient far{"someone@example.org", {}, notify_default};
    CHECK(check_recipient(far, "", router(), Submitter::stranger).breach);
    const auto user = check_recipient(far, "", router(), Submitter::user);
    REQUIRE(user.refusal);
    CHECK(user.refusal->code == 550);
    CHECK(user.refusal->enhanced == "5.7.1");
    const auto dropper = check_recipient(far, "", router(), Submitter::dropper);
    CHECK_FALSE(dropper.breach);
    CHECK_FALSE(dropper.refusal);
}

TEST_CASE("a recipient that is no address is a breach from smtpin and a refusal from a user") {
    for (const std::string text : {"", "a", "a@", "a@box.example.net\n", "a b@box.example.net"}) {
        const Recipient recipient{text, {}, notify_default};
        CHECK(check_recipient(recipient, "", router(), Submitter::stranger).breach);
        CHECK(check_recipient(recipient, "", router(), Submitter::user).refusal);
        CHECK_FALSE(check_recipient(recipient, "", router(), Submitter::dropper).breach);
    }
    const Recipient fine{"Postmaster", {}, notify_default};
    CHECK_FALSE(check_recipient(fine, "", router(), Submitter::stranger).breach);
    const Recipient bits{"a@box.example.net", {}, 0xff};
    CHECK(check_recipient(bits, "", router(), Submitter::stranger).breach);
}

TEST_CASE("a submission's id is of the last days, and not of the future") {
    const WallTime now = real_clock().wall();
    const auto made = [&](auto ago) {
        return MessageId::generate(
            std::chrono::time_point_cast<std::chrono::milliseconds>(now - ago));
    };
    CHECK(id_in_window(made(0s), now));
    CHECK(id_in_window(made(24h * 6), now));
    CHECK(id_in_window(made(-30min), now));
    CHECK_FALSE(id_in_window(made(24h * 7), now));
    CHECK_FALSE(id_in_window(made(-2h), now));
    CHECK_FALSE(id_in_window(made(24h * 365 * 20), now));
}

TEST_CASE("RCPT is refused only where no target is good, and an alias keeps its secrets") {
    const Outcome unknown{Verdict::refused, "5.1.1", "no user \"bob\" here", {}};
    const Outcome away{Verdict::retry, "4.3.0", "the user database cannot be asked", {}};
    CHECK(answer_for({false, {{"", MailboxOf{"alice"}}}, {}}).code == 0);
    CHECK(answer_for({true, {{"bob", unknown}, {"alice", MailboxOf{"alice"}}}, {}}).code == 0);
    CHECK(answer_for({false, {{"", unknown}}, {}}).code == 550);
    CHECK(answer_for({false, {{"", away}}, {}}).code == 451);
    CHECK(answer_for({true, {{"bob", unknown}, {"x", away}}, {}}).code == 451);
    const auto hidden = answer_for({true, {{"bob", unknown}}, {}});
    CHECK(hidden.code == 550);
    CHECK(hidden.text.find("bob") == std::string::npos);
}
