#include "smtpd/control/submission.h"

#include "smtpd/base/packet.h"
#include "tests/catch.h"

using namespace holdfast;
using control::Actions;
using control::Submission;

namespace {

const links::ControlSnapshot snapshot{"box.example.net", "box.example.net", 1000};

links::Submit submit_of(std::size_t length) {
    links::Submit submit;
    submit.id = *MessageId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV");
    submit.length = length;
    return submit;
}

links::UserReply alice() {
    return {1, links::Lookup::found, "alice", 1001, "Alice Example", "/home/alice"};
}

template <class Message>
std::vector<Message> all(const Actions& actions) {
    std::vector<Message> result;
    for (const auto& action : actions) {
        if (const auto* message = std::get_if<Message>(&action)) result.push_back(*message);
    }
    return result;
}

template <class Message>
Message only(const Actions& actions) {
    const auto found = all<Message>(actions);
    REQUIRE(found.size() == 1);
    return found.front();
}

std::string body_of(const Actions& actions) {
    std::string body;
    for (const auto& chunk : all<links::Chunk>(actions)) body += chunk.bytes;
    return body;
}

void append(Actions& to, Actions from) {
    for (auto& action : from) to.push_back(std::move(action));
}

// The whole of a submission by alice, up to what qmgr gets at its start.
Actions carry(Submission& submission, const std::vector<std::string>& recipients,
              const std::string& message) {
    Actions actions = submission.begin();
    append(actions, submission.on(links::SubmitRecipients{recipients}));
    append(actions, submission.on(links::SubmitBytes{message}));
    append(actions, submission.on(links::SubmitEnd{}));
    submission.user_is(alice());
    if (submission.ready_to_start()) append(actions, submission.start(WallTime()));
    return actions;
}

links::Answer refusal_of(links::Submit submit, const std::vector<std::string>& recipients,
                         const std::string& message) {
    Submission submission(snapshot, {1001, 1, 0}, std::move(submit));
    return only<links::Answer>(carry(submission, recipients, message));
}

}  // namespace

TEST_CASE("a submission becomes Begin, recipients with a domain, a completed body and End") {
    const std::string message = "Subject: x\n\nhello\n";
    Submission submission(snapshot, {1001, 7, 0}, submit_of(message.size()));
    const Actions actions = carry(submission, {"bob", "carol@example.org"}, message);

    const auto begin = only<links::Begin>(actions);
    CHECK(begin.transaction == 7);
    CHECK(begin.envelope.source == Source::local);
    CHECK(begin.envelope.uid == 1001);
    CHECK(begin.envelope.sender == "alice@box.example.net");
    const auto recipients = only<links::Recipients>(actions);
    REQUIRE(recipients.recipients.size() == 2);
    CHECK(recipients.recipients[0].address == "bob@box.example.net");
    CHECK(recipients.refusal.code == 0);
    const std::string body = body_of(actions);
    CHECK(body.starts_with("Received: "));
    CHECK(body.find("\nFrom: ") != std::string::npos);
    CHECK(body.ends_with("\n\nhello\n"));
    CHECK(only<links::End>(actions).length == body.size());
    CHECK(submission.handed_over());
    CHECK(only<links::Answer>(submission.committed()).status == 0);
    CHECK(submission.over());
}

TEST_CASE("a submitter without a name in the user database is uid-N") {
    Submission submission(snapshot, {4711, 1, 0}, submit_of(2));
    submission.begin();
    submission.on(links::SubmitRecipients{{"bob"}});
    submission.on(links::SubmitBytes{"x\n"});
    submission.on(links::SubmitEnd{});
    links::UserReply nobody;
    nobody.lookup = links::Lookup::unknown;
    submission.user_is(nobody);
    const auto begin = only<links::Begin>(submission.start(WallTime()));
    CHECK(begin.envelope.sender == "uid-4711@box.example.net");
}

TEST_CASE("what a submission says of itself is checked, and each refusal has its status") {
    const std::string message = "Subject: x\n\nhello\n";
    auto submit = submit_of(message.size());
    SECTION("the size") {
        submit.length = 1001;
        Submission submission(snapshot, {1001, 1, 0}, submit);
        CHECK(only<links::Answer>(submission.begin()).status == 69);
    }
    SECTION("the sender") {
        submit.sender_given = true;
        submit.sender = "a b@c";
        CHECK(refusal_of(submit, {"bob"}, message).status == 64);
    }
    SECTION("a recipient") {
        CHECK(refusal_of(submit, {"bob", "|cmd x"}, message).status == 65);
    }
    SECTION("no recipients") {
        CHECK(refusal_of(submit, {}, message).status == 64);
    }
    SECTION("the envelope id") {
        submit.envid.assign(101, 'x');
        CHECK(refusal_of(submit, {"bob"}, message).status == 64);
    }
}

TEST_CASE("an origin that is no domain is the administrator's error, and qmgr hears nothing") {
    const links::ControlSnapshot odd{"box", "not a domain", 1000};
    Submission submission(odd, {1001, 1, 0}, submit_of(6));
    const Actions actions = carry(submission, {"bob@example.org"}, "A: b\n\n");
    CHECK(only<links::Answer>(actions).status == 78);
    CHECK(all<links::Begin>(actions).empty());
}

TEST_CASE("after an early refusal the rest of the submission is read and thrown away") {
    Submission submission(snapshot, {1001, 1, 0}, submit_of(4));
    submission.begin();
    CHECK(only<links::Answer>(submission.on(links::SubmitRecipients{{"<<"}})).status == 65);
    CHECK(submission.on(links::SubmitRecipients{{"bob"}}).empty());
    CHECK(submission.on(links::SubmitBytes{"abcd"}).empty());
    CHECK_FALSE(submission.over());
    CHECK(submission.on(links::SubmitEnd{}).empty());
    CHECK(submission.over());
}

TEST_CASE("a submission that breaks its order or its promise is a violation, and nothing is kept") {
    Submission submission(snapshot, {1001, 1, 0}, submit_of(4));
    submission.begin();
    SECTION("an end too early") {
        submission.on(links::SubmitRecipients{{"bob"}});
        submission.on(links::SubmitBytes{"abc"});
        only<control::Violation>(submission.on(links::SubmitEnd{}));
    }
    SECTION("more bytes than promised") {
        submission.on(links::SubmitRecipients{{"bob"}});
        only<control::Violation>(submission.on(links::SubmitBytes{"abcde"}));
    }
    SECTION("recipients behind bytes") {
        submission.on(links::SubmitRecipients{{"bob"}});
        submission.on(links::SubmitBytes{"ab"});
        only<control::Violation>(submission.on(links::SubmitRecipients{{"carol"}}));
    }
    SECTION("two ends") {
        submission.on(links::SubmitRecipients{{"bob"}});
        submission.on(links::SubmitBytes{"abcd"});
        submission.on(links::SubmitEnd{});
        only<control::Violation>(submission.on(links::SubmitEnd{}));
    }
    CHECK(submission.over());
}

TEST_CASE("a violation after qmgr has heard of the submission takes it back") {
    Submission submission(snapshot, {1001, 5, 0}, submit_of(10));
    submission.begin();
    submission.on(links::SubmitRecipients{{"bob"}});
    submission.user_is(alice());
    submission.on(links::SubmitBytes{"A: b\n\nx"});
    only<links::Begin>(submission.start(WallTime()));
    const Actions actions = submission.on(links::SubmitEnd{});
    CHECK(only<links::Abort>(actions).transaction == 5);
    only<control::Violation>(actions);
}

TEST_CASE("a client that goes before the end takes its submission back, and not after") {
    Submission submission(snapshot, {1001, 5, 0}, submit_of(7));
    submission.begin();
    submission.on(links::SubmitRecipients{{"bob"}});
    submission.user_is(alice());
    submission.on(links::SubmitBytes{"A: b\n\nx"});
    submission.start(WallTime());
    SECTION("before") {
        only<links::Abort>(submission.give_up());
    }
    SECTION("after") {
        only<links::End>(submission.on(links::SubmitEnd{}));
        CHECK(submission.give_up().empty());
    }
}

TEST_CASE("no more than the window is sent to qmgr before it gives credit") {
    links::ControlSnapshot large = snapshot;
    large.max_message_bytes = 10'000'000;
    const std::size_t size = 400'000;
    Submission submission(large, {1001, 1, 0}, submit_of(4 + size));
    submission.begin();
    submission.on(links::SubmitRecipients{{"bob"}});
    submission.user_is(alice());
    submission.on(links::SubmitBytes{"A:\n\n"});
    std::size_t sent = body_of(submission.start(WallTime())).size();
    const std::string line(63, 'y');
    for (std::size_t brought = 0; brought < size; brought += max_chunk) {
        std::string piece;
        while (piece.size() < std::min(max_chunk, size - brought)) piece += line + "\n";
        piece.resize(std::min(max_chunk, size - brought));
        sent += body_of(submission.on(links::SubmitBytes{piece})).size();
    }
    CHECK(sent == links::window);
    CHECK_FALSE(submission.wants_input());
    const Actions more = submission.credit(1000);
    CHECK(body_of(more).size() == 1000);
    submission.on(links::SubmitEnd{});
    CHECK_FALSE(submission.handed_over());
    only<links::End>(submission.credit(links::window));
    CHECK(submission.handed_over());
}

TEST_CASE("a header that comes byte by byte is completed once, as if it had come at once") {
    const std::string message = "Subject: x\nTo: bob\n\nA: not a header\n";
    Submission whole(snapshot, {1001, 1, 0}, submit_of(message.size()));
    const std::string expected = body_of(carry(whole, {"bob"}, message));

    Submission cut(snapshot, {1001, 1, 0}, submit_of(message.size()));
    cut.begin();
    cut.on(links::SubmitRecipients{{"bob"}});
    cut.user_is(alice());
    std::string body;
    for (const char c : message) {
        body += body_of(cut.on(links::SubmitBytes{std::string(1, c)}));
        if (cut.ready_to_start()) body += body_of(cut.start(WallTime()));
    }
    body += body_of(cut.on(links::SubmitEnd{}));
    CHECK(body == expected);
}

TEST_CASE("F49 a message with more than fifty hops is accepted and its recipients refused") {
    std::string message;
    for (int i = 0; i < 30; ++i) message += "Received: x\n";
    message += "\n";
    auto submit = submit_of(message.size());
    SECTION("thirty fields") {
        CHECK(submit.hops == 0);
    }
    SECTION("thirty fields and -h 21") {
        submit.hops = 21;
    }
    Submission submission(snapshot, {1001, 1, 0}, submit);
    const auto recipients = only<links::Recipients>(carry(submission, {"bob"}, message));
    CHECK(recipients.refusal.code == (submit.hops == 0 ? 0 : 554));
    CHECK(submission.handed_over());
}

TEST_CASE("pieces of a header that name nobody become refused recipients beside the others") {
    auto submit = submit_of(6);
    submit.unreadable = {"John Smith", "a\nb"};
    Submission submission(snapshot, {1001, 1, 0}, submit);
    const auto recipients = all<links::Recipients>(carry(submission, {"bob"}, "A: b\n\n"));
    REQUIRE(recipients.size() == 2);
    CHECK(recipients[0].refusal.code == 0);
    CHECK(recipients[1].refusal.enhanced == "5.1.3");
    CHECK(recipients[1].recipients[1].address == "a\\nb");
}

TEST_CASE("recipients that differ only in the case of their domain count once") {
    control::RecipientList list("Box.example.net");
    for (const char* text : {"bob", "bob@box.EXAMPLE.net", "Bob", "bob@example.org"}) {
        REQUIRE(list.add(text));
    }
    CHECK(list.addresses() == std::vector<std::string>{"bob@Box.example.net", "Bob@Box.example.net",
                                                       "bob@example.org"});
}

TEST_CASE("F21 recipients past the limit are refused, and every message of them fits a frame") {
    control::RecipientList list("example.org");
    std::size_t added = 0;
    while (list.add("user" + std::to_string(added))) ++added;
    CHECK(added == control::RecipientList::max_count);
    std::size_t total = 0;
    for (const auto& some : control::recipient_messages(list.addresses(), notify_default, {})) {
        total += some.recipients.size();
        links::Encoder encoder;
        encoder.put(some);
        REQUIRE(encoder.bytes.size() + frame_header < max_packet);
    }
    CHECK(total == added);
}

TEST_CASE("a refusal of qmgr that may pass is status 75, any other 69, and says why in one line") {
    for (const auto& [code, status] : {std::pair{452, 75}, {451, 75}, {550, 69}, {552, 69}}) {
        const links::Refusal refusal{static_cast<std::uint16_t>(code), "", "why"};
        CHECK(control::exit_status(refusal) == status);
    }
    Submission submission(snapshot, {1001, 1, 0}, submit_of(6));
    carry(submission, {"bob"}, "A: b\n\n");
    const auto answer =
        only<links::Answer>(submission.rejected({452, "4.3.1", "the disk is full"}));
    CHECK(answer.status == 75);
    CHECK(answer.text == "not accepted: the disk is full (452 4.3.1)");
}

TEST_CASE("bare CR and NUL in a body do not reach the queue") {
    const std::string message = std::string("A: b\r\n\r\nx\ry\0z\r\n", 16);
    Submission submission(snapshot, {1001, 1, 0}, submit_of(message.size()));
    const std::string body = body_of(carry(submission, {"bob"}, message));
    CHECK(body.ends_with("\n\nx yz\n"));
    CHECK(body.find('\r') == std::string::npos);
}
