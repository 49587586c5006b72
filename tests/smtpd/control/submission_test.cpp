#include "smtpd/control/submission.h"

#include "smtpd/base/packet.h"
#include "tests/catch.h"

using namespace holdfast;
using control::Fate;
using control::MaybeOutcome;
using control::Submission;

namespace {

const links::ControlSnapshot snapshot{"box.example.net", "box.example.net", 1000};
const links::ControlSnapshot roomy{"box.example.net", "box.example.net", 10'000'000};

links::Submit submit_of(std::size_t length) {
    links::Submit submit;
    submit.id = *MessageId::parse("01ARZ3NDEKTSV4RRFFQ69G5FAV");
    submit.length = length;
    return submit;
}

links::UserReply alice() {
    return {1, links::Lookup::found, "alice", 1001, "Alice Example", "/home/alice"};
}

using Messages = std::vector<links::TransferSender::Message>;

template <class Message>
std::vector<Message> all(const Messages& messages) {
    std::vector<Message> result;
    for (const auto& some : messages) {
        if (const auto* message = std::get_if<Message>(&some)) result.push_back(*message);
    }
    return result;
}

template <class Message>
Message only(const Messages& messages) {
    const auto found = all<Message>(messages);
    REQUIRE(found.size() == 1);
    return found.front();
}

std::string body_of(const Messages& messages) {
    std::string body;
    for (const auto& chunk : all<links::Chunk>(messages)) body += chunk.bytes;
    return body;
}

bool violates(const MaybeOutcome& outcome) {
    return outcome && outcome->fate == Fate::violated;
}

// The whole of a submission by alice, up to its start or its early end.
MaybeOutcome carry(Submission& submission, const std::vector<std::string>& recipients,
                   const std::string& message) {
    if (auto outcome = submission.begin()) return outcome;
    if (auto outcome = submission.on(links::SubmitRecipients{recipients})) return outcome;
    if (auto outcome = submission.on(links::SubmitBytes{message})) return outcome;
    if (auto outcome = submission.on(links::SubmitEnd{})) return outcome;
    submission.user_is(alice());
    return submission.start(WallTime());
}

Messages carried(Submission& submission, const std::vector<std::string>& recipients,
                 const std::string& message) {
    REQUIRE_FALSE(carry(submission, recipients, message));
    return submission.take();
}

// A submission of `size` bytes of body by alice, of which `brought` have come.
void begin_large(Submission& submission, std::size_t brought) {
    submission.begin();
    submission.on(links::SubmitRecipients{{"bob"}});
    submission.user_is(alice());
    submission.on(links::SubmitBytes{"A:\n\n"});
    REQUIRE_FALSE(submission.start(WallTime()));
    const std::string line = std::string(63, 'y') + "\n";
    while (brought > 0) {
        std::string piece;
        while (piece.size() < std::min(max_chunk, brought)) piece += line;
        piece.resize(std::min(max_chunk, brought));
        brought -= piece.size();
        submission.on(links::SubmitBytes{std::move(piece)});
    }
}

links::Answer refusal_of(links::Submit submit, const std::vector<std::string>& recipients,
                         const std::string& message) {
    Submission submission(snapshot, {1001, 1, 0}, std::move(submit));
    const auto outcome = carry(submission, recipients, message);
    REQUIRE(outcome);
    CHECK(outcome->fate == Fate::refused);
    CHECK(submission.take().empty());
    return outcome->answer;
}

}  // namespace

TEST_CASE("a submission becomes Begin, recipients with a domain, a completed body and End") {
    const std::string message = "Subject: x\n\nhello\n";
    Submission submission(snapshot, {1001, 7, 0}, submit_of(message.size()));
    const Messages messages = carried(submission, {"bob", "carol@example.org"}, message);

    const auto begin = only<links::Begin>(messages);
    CHECK(begin.transaction == 7);
    CHECK(begin.envelope.source == Source::local);
    CHECK(begin.envelope.uid == 1001);
    CHECK(begin.envelope.sender == "alice@box.example.net");
    const auto recipients = only<links::Recipients>(messages);
    REQUIRE(recipients.recipients.size() == 2);
    CHECK(recipients.recipients[0].address == "bob@box.example.net");
    CHECK(recipients.refusal.code == 0);
    const std::string body = body_of(messages);
    CHECK(body.starts_with("Received: "));
    CHECK(body.find("\nFrom: ") != std::string::npos);
    CHECK(body.ends_with("\n\nhello\n"));
    CHECK(only<links::End>(messages).length == body.size());
    CHECK(submission.handed_over());
    CHECK(submission.committed().answer.status == 0);
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
    REQUIRE_FALSE(submission.start(WallTime()));
    const auto begin = only<links::Begin>(submission.take());
    CHECK(begin.envelope.sender == "uid-4711@box.example.net");
}

TEST_CASE("what a submission says of itself is checked, and each refusal has its status") {
    const std::string message = "Subject: x\n\nhello\n";
    auto submit = submit_of(message.size());
    SECTION("the size") {
        submit.length = 1001;
        Submission submission(snapshot, {1001, 1, 0}, submit);
        CHECK(submission.begin()->answer.status == 69);
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
    CHECK(carry(submission, {"bob@example.org"}, "A: b\n\n")->answer.status == 78);
    CHECK(submission.take().empty());
}

TEST_CASE("after an early refusal the rest of the submission is read and thrown away") {
    Submission submission(snapshot, {1001, 1, 0}, submit_of(4));
    submission.begin();
    CHECK(submission.on(links::SubmitRecipients{{"<<"}})->answer.status == 65);
    CHECK_FALSE(submission.on(links::SubmitRecipients{{"bob"}}));
    CHECK_FALSE(submission.on(links::SubmitBytes{"abcd"}));
    CHECK_FALSE(submission.over());
    CHECK_FALSE(submission.on(links::SubmitEnd{}));
    CHECK(submission.over());
}

TEST_CASE("a submission that breaks its order or its promise is a violation, and nothing is kept") {
    Submission submission(snapshot, {1001, 1, 0}, submit_of(4));
    submission.begin();
    SECTION("an end too early") {
        submission.on(links::SubmitRecipients{{"bob"}});
        submission.on(links::SubmitBytes{"abc"});
        CHECK(violates(submission.on(links::SubmitEnd{})));
    }
    SECTION("more bytes than promised") {
        submission.on(links::SubmitRecipients{{"bob"}});
        CHECK(violates(submission.on(links::SubmitBytes{"abcde"})));
    }
    SECTION("recipients behind bytes") {
        submission.on(links::SubmitRecipients{{"bob"}});
        submission.on(links::SubmitBytes{"ab"});
        CHECK(violates(submission.on(links::SubmitRecipients{{"carol"}})));
    }
    SECTION("two ends") {
        submission.on(links::SubmitRecipients{{"bob"}});
        submission.on(links::SubmitBytes{"abcd"});
        submission.on(links::SubmitEnd{});
        CHECK(violates(submission.on(links::SubmitEnd{})));
    }
    CHECK(submission.over());
}

TEST_CASE("who goes or breaks the protocol takes the submission back, while it is not all there") {
    Submission submission(roomy, {1001, 5, 0}, submit_of(4 + 100'000));
    SECTION("qmgr has not heard of it") {
        begin_large(submission, 100);
        CHECK(submission.take().empty());
        CHECK(violates(submission.on(links::SubmitEnd{})));
        CHECK_FALSE(submission.give_up());
    }
    SECTION("it has") {
        begin_large(submission, 90'000);
        only<links::Begin>(submission.take());
        CHECK(violates(submission.on(links::SubmitEnd{})));
        REQUIRE(submission.give_up());
        CHECK(submission.give_up()->transaction == 5);
    }
    SECTION("it has all of it") {
        begin_large(submission, 100'000);
        submission.on(links::SubmitEnd{});
        only<links::End>(submission.take());
        CHECK_FALSE(submission.give_up());
    }
}

TEST_CASE("no more than the window is sent to qmgr before it gives credit") {
    const std::size_t size = 400'000;
    Submission submission(roomy, {1001, 1, 0}, submit_of(4 + size));
    begin_large(submission, size);
    CHECK(body_of(submission.take()).size() == links::window);
    CHECK_FALSE(submission.wants_input());
    submission.credit(1000);
    CHECK(submission.take().empty());
    submission.credit(max_chunk);
    CHECK(body_of(submission.take()).size() == max_chunk);
    submission.on(links::SubmitEnd{});
    submission.take();
    CHECK_FALSE(submission.handed_over());
    submission.credit(links::window);
    only<links::End>(submission.take());
    CHECK(submission.handed_over());
}

TEST_CASE("a header above the limit is refused, and nothing of it is kept") {
    std::string message;
    while (message.size() < 48'000'000) message += "From: a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a\n";
    message += "\nbody\n";
    links::ControlSnapshot snapshot{"box.example.net", "box.example.net", 50'000'000};
    links::Submit submit;
    submit.id = MessageId::generate(real_clock().wall());
    submit.length = message.size();
    Submission submission(snapshot, {1001, 7, 0}, submit);
    submission.on(links::SubmitRecipients{{"bob"}});
    MaybeOutcome outcome;
    std::size_t at = 0;
    for (; !outcome && at < message.size(); at += max_chunk) {
        outcome = submission.on(links::SubmitBytes{message.substr(at, max_chunk)});
    }
    REQUIRE(outcome);
    CHECK(outcome->fate == Fate::refused);
    CHECK(outcome->answer.status == 65);
    CHECK(outcome->answer.text.find("header") != std::string::npos);
    CHECK(at <= Submission::max_header + max_chunk);
    CHECK(submission.held() == 0);
}

TEST_CASE("a text of any length that has no header and no blank line is accepted") {
    std::string message;
    SECTION("of lines") {
        while (message.size() < 6'000'000) message += "no field, just words that go on and on\n";
    }
    SECTION("of one line") {
        message = std::string(6'000'000, 'x') + "\n";
    }
    links::ControlSnapshot snapshot{"box.example.net", "box.example.net", 50'000'000};
    links::Submit submit;
    submit.id = MessageId::generate(real_clock().wall());
    submit.length = message.size();
    Submission submission(snapshot, {1001, 7, 0}, submit);
    submission.on(links::SubmitRecipients{{"bob"}});
    submission.user_is({0, links::Lookup::found, "alice", 1001, "Alice", "/home/alice"});
    std::size_t body = 0;
    const auto take = [&] {
        for (auto& part : submission.take()) {
            if (const auto* chunk = std::get_if<links::Chunk>(&part)) {
                body += chunk->bytes.size();
                submission.credit(static_cast<std::uint32_t>(chunk->bytes.size()));
            }
        }
    };
    for (std::size_t at = 0; at < message.size(); at += max_chunk) {
        REQUIRE_FALSE(submission.on(links::SubmitBytes{message.substr(at, max_chunk)}));
        if (submission.ready_to_start()) REQUIRE_FALSE(submission.start(real_clock().wall()));
        take();
    }
    REQUIRE_FALSE(submission.on(links::SubmitEnd{}));
    while (!submission.handed_over()) take();
    CHECK(body > message.size());
}

TEST_CASE("a header that comes byte by byte is completed once, as if it had come at once") {
    const std::string message = "Subject: x\nTo: bob\n\nA: not a header\n";
    Submission whole(snapshot, {1001, 1, 0}, submit_of(message.size()));
    const std::string expected = body_of(carried(whole, {"bob"}, message));

    Submission cut(snapshot, {1001, 1, 0}, submit_of(message.size()));
    cut.begin();
    cut.on(links::SubmitRecipients{{"bob"}});
    cut.user_is(alice());
    for (const char c : message) {
        cut.on(links::SubmitBytes{std::string(1, c)});
        if (cut.ready_to_start()) cut.start(WallTime());
    }
    cut.on(links::SubmitEnd{});
    CHECK(body_of(cut.take()) == expected);
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
    const auto recipients = only<links::Recipients>(carried(submission, {"bob"}, message));
    CHECK(recipients.refusal.code == (submit.hops == 0 ? 0 : 554));
    CHECK(submission.handed_over());
}

TEST_CASE("pieces of a header that name nobody become refused recipients beside the others") {
    auto submit = submit_of(6);
    submit.unreadable = {"John Smith", "a\nb"};
    Submission submission(snapshot, {1001, 1, 0}, submit);
    const auto recipients = all<links::Recipients>(carried(submission, {"bob"}, "A: b\n\n"));
    REQUIRE(recipients.size() == 2);
    CHECK(recipients[0].refusal.code == 0);
    CHECK(recipients[1].refusal.enhanced == "5.1.3");
    CHECK(recipients[1].recipients[1].address == "a\\nb");
}

TEST_CASE("F50 recipients that differ only in the case of their domain count once") {
    control::RecipientList list("Box.example.net");
    for (const char* text : {"bob", "bob@box.EXAMPLE.net", "Bob", "bob@example.org"}) {
        REQUIRE(list.add(text));
    }
    CHECK(list.addresses() == std::vector<std::string>{"bob@Box.example.net", "Bob@Box.example.net",
                                                       "bob@example.org"});
}

TEST_CASE("F21 recipients past the limit are refused") {
    control::RecipientList list("example.org");
    std::size_t added = 0;
    while (list.add("user" + std::to_string(added))) ++added;
    CHECK(added == control::RecipientList::max_count);
    CHECK(list.add("user0"));  // it is there already
}

TEST_CASE("a refusal of qmgr that may pass is status 75, any other 69, and says why in one line") {
    for (const auto& [code, status] : {std::pair{452, 75}, {451, 75}, {550, 69}, {552, 69}}) {
        const links::Refusal refusal{static_cast<std::uint16_t>(code), "", "why"};
        CHECK(control::exit_status(refusal) == status);
    }
    Submission submission(snapshot, {1001, 1, 0}, submit_of(6));
    carried(submission, {"bob"}, "A: b\n\n");
    const auto answer = submission.rejected({452, "4.3.1", "the disk is full"}).answer;
    CHECK(answer.status == 75);
    CHECK(answer.text == "not accepted: the disk is full (452 4.3.1)");
}

TEST_CASE("bare CR and NUL in a body do not reach the queue") {
    const std::string message = std::string("A: b\r\n\r\nx\ry\0z\r\n", 16);
    Submission submission(snapshot, {1001, 1, 0}, submit_of(message.size()));
    const std::string body = body_of(carried(submission, {"bob"}, message));
    CHECK(body.ends_with("\n\nx yz\n"));
    CHECK(body.find('\r') == std::string::npos);
}

TEST_CASE("a file of drop/ above the limit becomes a bounce that names the limit") {
    const std::string body(2000, 'y');
    const std::string message = "Subject: x\n\n" + body + "\n";
    Submission submission(snapshot, {1001, 7, 3}, submit_of(message.size()));
    const Messages messages = carried(submission, {"bob", "carol"}, message);
    CHECK(only<links::Begin>(messages).drop == 3);
    const auto recipients = only<links::Recipients>(messages);
    CHECK(recipients.recipients.size() == 2);
    CHECK(recipients.refusal.code == 552);
    CHECK(recipients.refusal.text.find("the limit is 1000") != std::string::npos);
    CHECK(body_of(messages).find("Subject: x\n") != std::string::npos);
    CHECK(body_of(messages).find(body) == std::string::npos);
    CHECK(only<links::End>(messages).length == body_of(messages).size());
    CHECK(submission.handed_over());
}

TEST_CASE("of a file of drop/ above the limit no more than the header is waited for") {
    Submission submission(snapshot, {1001, 7, 3}, submit_of(100'000));
    begin_large(submission, 0);
    CHECK(only<links::End>(submission.take()).length > 0);
    CHECK_FALSE(submission.on(links::SubmitBytes{std::string(1000, 'z')}));
    CHECK(submission.wants_input());
    CHECK(submission.committed().fate == Fate::settled);
    CHECK_FALSE(submission.on(links::SubmitBytes{std::string(1000, 'z')}));
}
