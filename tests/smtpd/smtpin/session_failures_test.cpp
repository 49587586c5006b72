// What others got wrong, against the pure session.
#include <algorithm>
#include <string>
#include <vector>

#include <sys/resource.h>

#include "smtpd/base/packet.h"
#include "smtpd/smtpin/session.h"
#include "tests/catch.h"
#include "tests/smtpd/smtpin/dialogue.h"

namespace holdfast::smtpin {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

Policy large_policy() {
    Policy policy = test_policy();
    policy.max_message_bytes = 50'000'000;
    return policy;
}

void answer_all(Dialogue& dialogue) {
    for (const auto& frame : dialogue.take_frames()) {
        if (const auto* query = std::get_if<links::RecipientQuery>(&frame)) {
            dialogue.apply(
                dialogue.session().on(links::RecipientReply{query->query, {}}, dialogue.now()));
        }
        if (const auto* chunk = std::get_if<links::Chunk>(&frame)) {
            const auto bytes = static_cast<std::uint32_t>(chunk->bytes.size());
            dialogue.apply(
                dialogue.session().on(links::Credit{chunk->transaction, bytes}, dialogue.now()));
        }
        if (const auto* end = std::get_if<links::End>(&frame)) {
            dialogue.apply(
                dialogue.session().on(links::Committed{end->transaction}, dialogue.now()));
        }
    }
}

void open_body(Dialogue& dialogue) {
    dialogue.send(
        "EHLO c.example\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n");
    answer_all(dialogue);
    REQUIRE(dialogue.take_replies().back().starts_with("354 "));
}

// How many replies the commands behind a body of `text` get, by the rule: lines end with CR LF; a
// line of one dot ends the body; any other CR or LF ends everything.
struct Expected {
    bool broken = false;
    bool accepted = false;
    std::size_t commands = 0;
};
Expected expected_of(std::string text) {
    Expected result;
    while (true) {
        const std::size_t end = text.find("\r\n");
        const std::string line = text.substr(0, end);
        if (line.find_first_of("\r\n") != std::string::npos) {
            result.broken = true;
            return result;
        }
        if (end == std::string::npos) return result;
        text.erase(0, end + 2);
        if (result.accepted) {
            ++result.commands;
        } else if (line == ".") {
            result.accepted = true;
        }
    }
}

TEST_CASE("F16 nothing behind a bare CR or LF is carried out, wherever it stands") {
    std::vector<std::string> middles{""};
    for (std::size_t i = 0; i < middles.size(); ++i) {
        if (middles[i].size() == 7) continue;
        for (const char c : std::string_view("\r\n.x")) middles.push_back(middles[i] + c);
    }
    for (const std::string& middle : middles) {
        const std::string text = "x" + middle + "\r\n.\r\nNOOP\r\n";
        const Expected expected = expected_of(text);
        Dialogue dialogue;
        open_body(dialogue);
        dialogue.send(text);
        const auto frames = dialogue.take_frames();
        const bool ended = std::ranges::any_of(
            frames, [](const auto& frame) { return std::holds_alternative<links::End>(frame); });
        // A message whose own end was clean stands, whatever the client sends behind it.
        bool good = ended == expected.accepted;
        if (ended) {
            const auto& end = std::get<links::End>(frames.back());
            dialogue.apply(
                dialogue.session().on(links::Committed{end.transaction}, dialogue.now()));
        }
        const auto replies = dialogue.take_replies();
        const std::size_t wanted =
            (expected.accepted ? 1 : 0) + expected.commands + (expected.broken ? 1 : 0);
        good = good && replies.size() == wanted && dialogue.closed() == expected.broken;
        if (expected.broken && !replies.empty()) {
            good = good && replies.back().find(" 5.5.2 bare CR or LF") == 3;
        }
        if (good) continue;
        CAPTURE(text, replies);
        FAIL("a client could speak with two tongues");
    }
}

TEST_CASE("F16 a bare CR or LF among commands ends the session") {
    for (const char* bad : {"NOOP\n", "NO\rOP\r\n", "\n", "NOOP\r\r\n", "MAIL FROM:<a\r@b>\r\n"}) {
        CAPTURE(bad);
        Dialogue dialogue;
        dialogue.take_replies();
        dialogue.send(std::string(bad) + "NOOP\r\n");
        CHECK(dialogue.take_replies() ==
              std::vector<std::string>{"550 5.5.2 bare CR or LF: lines end with CR LF"});
        CHECK(dialogue.closed());
    }
}

TEST_CASE("F19 a pipelining client gets every reply in order, failures among them") {
    Dialogue dialogue;
    dialogue.take_replies();
    dialogue.play(R"(
        C| EHLO client.example
        C| FROBNICATE
        C| MAIL FROM:<a@client.example>
        C| RCPT TO:<b@mx.example>
        C| RCPT TO:<c@mx.example>
        C| RCPT TO:<broken>
        C| RCPT TO:<d@mx.example>
        C| DATA
        C| x
        C| .
        C| MAIL FROM:<a@client.example>
        C| RCPT TO:<e@mx.example>
        C| DATA
        C| NOOP
        C: QUIT
        Q: ask a@client.example b@mx.example
        Q: ask a@client.example c@mx.example
        Q: nothing
        S: nothing
        A: yes
        S: nothing
        A: 550 5.1.1 no such user
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250-SIZE 1000
        S: 250-8BITMIME
        S: 250 ENHANCEDSTATUSCODES
        S: 500 5.5.2 unknown command
        S: 250 2.1.0 Ok
        S: 250 2.1.5 Ok
        S: 550 5.1.1 no such user
        Q: ask a@client.example d@mx.example
        A: yes
        S: 501 5.1.3 recipient is no mailbox address
        S: 250 2.1.5 Ok
        S: 354 *
        Q: message
        A: committed
        S: 250 2.0.0 *
        Q: ask a@client.example e@mx.example
        A: 550 5.7.1 no relaying
        S: 250 2.1.0 Ok
        S: 550 5.7.1 no relaying
        S: 554 5.5.1 no valid recipients
        S: 250 2.0.0 Ok
        S: 221 2.0.0 Bye
        S: closed
    )");
    REQUIRE(dialogue.envelope().recipients.size() == 2);
    CHECK(dialogue.envelope().recipients[1].address == "d@mx.example");
}

TEST_CASE("F19 pipelined commands that come byte by byte get the same replies") {
    const std::string input =
        "EHLO c.example\r\nBAD\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n"
        "..x\r\n.\r\nRSET\r\nQUIT\r\n";
    std::vector<std::string> whole;
    for (const std::size_t step : {input.size(), std::size_t{1}, std::size_t{7}}) {
        Dialogue dialogue;
        for (std::size_t at = 0; at < input.size(); at += step) {
            dialogue.send(std::string_view(input).substr(at, step));
            answer_all(dialogue);
        }
        answer_all(dialogue);
        const auto replies = dialogue.take_replies();
        if (whole.empty()) whole = replies;
        CHECK(replies == whole);
        CHECK(dialogue.closed());
    }
    CHECK(whole.size() == 13);
}

TEST_CASE("F20 nothing is left of a transaction whose DATA was refused") {
    struct Row {
        const char* name;
        const char* body;
        const char* reply;
    };
    const std::string large(2000, 'x');
    const std::vector<Row> rows{
        {"too large", large.c_str(), "552 5.3.4 *"},
        {"looping", "", "554 5.4.6 *"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name);
        Policy policy = test_policy();
        if (*row.body == '\0') policy.max_message_bytes = 100'000;
        Dialogue dialogue(policy);
        open_body(dialogue);
        if (*row.body == '\0') {
            for (int i = 0; i < 60; ++i) dialogue.send("Received: x\r\n");
        }
        dialogue.send(std::string(row.body) + "\r\n.\r\n");
        dialogue.play(std::string("S: ") + row.reply);
        dialogue.play(R"(
            C: DATA
            S: 503 5.5.1 *
            C: RCPT TO:<c@mx.example>
            S: 503 5.5.1 *
            C: MAIL FROM:<other@client.example>
            S: 250 2.1.0 Ok
            C: RCPT TO:<d@mx.example>
            Q: ask other@client.example d@mx.example
            A: yes
            S: 250 2.1.5 Ok
            C: DATA
            S: 354 *
            C: .
            Q: message
            A: committed
            S: 250 *
        )");
        CHECK(dialogue.envelope().sender == "other@client.example");
        REQUIRE(dialogue.envelope().recipients.size() == 1);
        CHECK(dialogue.envelope().recipients[0].address == "d@mx.example");
    }
}

// Bytes that this process has ever held, at least; ASan's quarantine is among them.
long peak_memory() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss * 1024;
}

constexpr long memory_bound = 400L << 20;

TEST_CASE("F21 a line of 1 GiB in a body costs a window at most") {
    Dialogue dialogue(large_policy());
    open_body(dialogue);
    const long before = peak_memory();
    const std::string block(32 * 1024, 'x');
    std::size_t sent = 0;
    std::size_t held = 0;
    for (; sent < std::size_t{1} << 30; sent += block.size()) {
        dialogue.send(block);
        held = std::max(held, dialogue.unused_input());
        answer_all(dialogue);
    }
    CHECK(held <= block.size());
    dialogue.send("\r\n.\r\n");
    dialogue.play("S: 552 5.3.4 *");
    CHECK(peak_memory() - before < memory_bound);
}

TEST_CASE("F21 a command line of 1 GiB is thrown away as it comes") {
    Dialogue dialogue;
    dialogue.take_replies();
    const long before = peak_memory();
    const std::string block(32 * 1024, 'x');
    for (std::size_t sent = 0; sent < std::size_t{1} << 30; sent += block.size()) {
        dialogue.send(block);
        REQUIRE(dialogue.unused_input() == 0);
    }
    dialogue.play(R"(
        C: end of it
        S: 500 5.5.6 line too long
        C: NOOP
        S: 250 *
    )");
    CHECK(peak_memory() - before < memory_bound);
}

TEST_CASE("F21 of a million recipients as many as are allowed are kept") {
    Dialogue dialogue;
    dialogue.send("EHLO c.example\r\nMAIL FROM:<a@c.example>\r\n");
    dialogue.take_replies();
    const long before = peak_memory();
    std::size_t accepted = 0;
    std::size_t refused = 0;
    std::string batch;
    for (int i = 0; i < 1000; ++i) batch += "RCPT TO:<b@mx.example>\r\n";
    for (int i = 0; i < 1000; ++i) {
        dialogue.send(batch);
        answer_all(dialogue);
        for (const std::string& reply : dialogue.take_replies()) {
            ++(reply.starts_with("250 ") ? accepted : refused);
        }
    }
    CHECK(accepted == 100);
    CHECK(refused == 999'900);
    CHECK(dialogue.unused_input() == 0);
    CHECK(peak_memory() - before < memory_bound);
    dialogue.play("C: DATA\n S: 354 *");
}

TEST_CASE("F21 a hundred thousand header fields stream through") {
    Dialogue dialogue(large_policy());
    open_body(dialogue);
    for (int i = 0; i < 100'000; ++i) {
        dialogue.send("X-Field-" + std::to_string(i) + ": received: x\r\n");
        answer_all(dialogue);
    }
    dialogue.send(".\r\n");
    answer_all(dialogue);
    dialogue.play("S: 250 *");
}

TEST_CASE("F21 a qmgr that gives no credit stops the client behind one window") {
    Dialogue dialogue(large_policy());
    open_body(dialogue);
    const std::string block(32 * 1024, 'x');
    for (int i = 0; i < 64; ++i) {
        if (!dialogue.session().takes_input()) break;
        dialogue.send(block);
    }
    CHECK_FALSE(dialogue.session().takes_input());
    std::size_t sent = 0;
    for (const auto& frame : dialogue.take_frames()) {
        const auto* chunk = std::get_if<links::Chunk>(&frame);
        if (chunk == nullptr) continue;
        CHECK(chunk->bytes.size() <= max_chunk);
        sent += chunk->bytes.size();
    }
    CHECK(sent <= links::window);
    CHECK(sent > links::window - max_chunk);
    CHECK(dialogue.unused_input() <= block.size());
}

// Sends a byte a minute until the server hangs up; returns how long it bore it.
Duration endured(Dialogue& dialogue, char byte) {
    const MonoTime start = dialogue.now().mono;
    while (!dialogue.closed()) {
        REQUIRE(dialogue.now().mono - start < hours(30));
        if (dialogue.session().takes_input()) dialogue.send(std::string(1, byte));
        answer_all(dialogue);
        dialogue.pass_time(minutes(1));
    }
    CHECK(dialogue.take_replies().back() == "421 4.4.2 mx.example timed out");
    return dialogue.now().mono - start;
}

TEST_CASE("F22 a byte a minute holds no session open, whatever its state") {
    Dialogue dialogue;
    SECTION("before HELO") {
        CHECK(endured(dialogue, 'x') == minutes(5));
    }
    SECTION("between transactions") {
        dialogue.send("EHLO c.example\r\n");
        CHECK(endured(dialogue, 'x') == minutes(5));
    }
    SECTION("behind MAIL") {
        dialogue.send("EHLO c.example\r\nMAIL FROM:<a@c.example>\r\n");
        CHECK(endured(dialogue, 'x') == minutes(5));
    }
    SECTION("in a line that is too long") {
        dialogue.send(std::string(5000, 'x'));
        CHECK(endured(dialogue, 'x') == minutes(5));
    }
    SECTION("in a body") {
        open_body(dialogue);
        CHECK(endured(dialogue, 'x') == minutes(10));
    }
    SECTION("in a body that will be refused") {
        open_body(dialogue);
        dialogue.send(std::string(3000, 'x'));
        CHECK(endured(dialogue, 'x') <= minutes(11));
    }
}

TEST_CASE("F22 whole commands now and then do not hold a session open either") {
    Dialogue dialogue;
    dialogue.send("EHLO c.example\r\n");
    std::string command;
    SECTION("NOOP") {
        command = "NOOP\r\n";
    }
    SECTION("EHLO") {
        command = "EHLO c.example\r\n";
    }
    SECTION("MAIL and RSET") {
        command = "MAIL FROM:<a@c.example>\r\nRSET\r\n";
    }
    SECTION("a transaction that is always refused") {
        command = "MAIL FROM:<a@c.example>\r\nDATA\r\nMAIL FROM:<a@c.example>\r\nRSET\r\n";
    }
    const MonoTime start = dialogue.now().mono;
    while (!dialogue.closed()) {
        REQUIRE(dialogue.now().mono - start < minutes(20));
        dialogue.send(command);
        dialogue.pass_time(minutes(1));
    }
    CHECK(dialogue.now().mono - start >= minutes(5));
}

TEST_CASE("F22 recipients without end do not hold a transaction open") {
    Dialogue dialogue;
    dialogue.send("EHLO c.example\r\nMAIL FROM:<a@c.example>\r\n");
    const MonoTime start = dialogue.now().mono;
    while (!dialogue.closed()) {
        REQUIRE(dialogue.now().mono - start < hours(2));
        dialogue.send("RCPT TO:<b@mx.example>\r\n");
        answer_all(dialogue);
        dialogue.pass_time(minutes(4));
    }
    CHECK(dialogue.now().mono - start == hours(1));
}

TEST_CASE("F22 a body that comes slowly but steadily is taken") {
    Dialogue dialogue(large_policy());
    open_body(dialogue);
    for (int i = 0; i < 50; ++i) {
        dialogue.send(std::string(64 * 1024, 'x'));
        answer_all(dialogue);
        dialogue.pass_time(minutes(1));
        REQUIRE_FALSE(dialogue.closed());
    }
    dialogue.send("\r\n.\r\n");
    answer_all(dialogue);
    dialogue.play("S: 250 *");
}

TEST_CASE("F22 a session that delivers is not limited in all") {
    Dialogue dialogue;
    dialogue.send("EHLO c.example\r\n");
    for (int i = 0; i < 100; ++i) {
        dialogue.send("MAIL FROM:<a@c.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n");
        answer_all(dialogue);
        dialogue.send(".\r\n");
        answer_all(dialogue);
        dialogue.pass_time(minutes(4));
        REQUIRE_FALSE(dialogue.closed());
    }
}

TEST_CASE("F22 a body without a byte is given up earlier, and its message taken back") {
    Dialogue dialogue(large_policy());
    open_body(dialogue);
    dialogue.send(std::string(100'000, 'x'));
    dialogue.take_frames();
    dialogue.pass_time(minutes(3) - seconds(1));
    CHECK_FALSE(dialogue.closed());
    dialogue.pass_time(seconds(1));
    CHECK(dialogue.closed());
    const auto frames = dialogue.take_frames();
    REQUIRE(frames.size() == 1);
    CHECK(std::holds_alternative<links::Abort>(frames[0]));
    CHECK(dialogue.take_replies().back() == "421 4.4.2 mx.example timed out");
}

TEST_CASE("a qmgr that is silent costs the client a 451 and not its session") {
    Dialogue dialogue(large_policy());
    SECTION("at RCPT") {
        dialogue.send("EHLO c.example\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<b@mx.example>\r\n");
        dialogue.take_frames();
        dialogue.pass_time(minutes(4));
        CHECK(dialogue.take_replies().back().starts_with("451 4.3.0 "));
    }
    SECTION("in a body") {
        open_body(dialogue);
        for (int i = 0; i < 10; ++i) dialogue.send(std::string(32 * 1024, 'x'));
        CHECK_FALSE(dialogue.session().takes_input());
        dialogue.take_frames();
        dialogue.pass_time(minutes(4));
        const auto frames = dialogue.take_frames();
        REQUIRE(frames.size() == 1);
        CHECK(std::holds_alternative<links::Abort>(frames[0]));
        dialogue.send("\r\n.\r\n");
        CHECK(dialogue.take_replies().back().starts_with("451 4.3.0 "));
    }
    SECTION("behind the final dot") {
        open_body(dialogue);
        dialogue.send(".\r\n");
        dialogue.take_frames();
        dialogue.pass_time(minutes(9));
        CHECK(dialogue.take_replies().back().starts_with("451 4.3.0 "));
    }
    CHECK_FALSE(dialogue.closed());
    dialogue.send("RSET\r\n");
    CHECK(dialogue.take_replies() == std::vector<std::string>{"250 2.0.0 Ok"});
}

TEST_CASE("a session has a number for each question, and leaves when they are used up") {
    Dialogue dialogue;
    dialogue.send("EHLO c.example\r\nMAIL FROM:<a@c.example>\r\n");
    dialogue.take_replies();
    std::uint64_t last = 0;
    std::string batch;
    for (int i = 0; i < 100; ++i) batch += "RCPT TO:<b@mx.example>\r\n";
    for (int i = 0; i < 10; ++i) {
        dialogue.send(batch);
        for (const auto& frame : dialogue.take_frames()) {
            const auto number = std::get<links::RecipientQuery>(frame).query;
            CHECK(session_of(number) == 7);
            CHECK(number > last);
            last = number;
            const links::Refusal no{450, "4.2.0", "later"};
            dialogue.apply(
                dialogue.session().on(links::RecipientReply{number, no}, dialogue.now()));
        }
    }
    CHECK((last & ((1U << serial_bits) - 1)) == 1000);
}

}  // namespace
}  // namespace holdfast::smtpin
