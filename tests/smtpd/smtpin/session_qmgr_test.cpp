// What qmgr answers, does not answer, or cannot answer because it has gone.
#include <string>
#include <vector>

#include "smtpd/base/packet.h"
#include "smtpd/smtpin/session.h"
#include "tests/catch.h"
#include "tests/smtpd/smtpin/dialogue.h"

namespace holdfast::smtpin {
namespace {

using std::chrono::minutes;

TEST_CASE("qmgr's refusal of a message is passed on, made safe, and ends the transaction") {
    Dialogue dialogue;
    dialogue.play(hello);
    dialogue.play(to_data);
    dialogue.play(R"(
        C: .
        Q: message
        A: rejected 452 4.3.1 the disk is full
        S: 452 4.3.1 the disk is full
        C: RCPT TO:<b@mx.example>
        S: 503 *
    )");
    dialogue.play(to_data);
    dialogue.play(R"(
        C: .
        Q: message
        A: rejected 250 2.0.0 Ok
        S: 451 4.3.0 try again later
    )");
}

TEST_CASE("without qmgr there is no promise, and the session is kept") {
    Dialogue dialogue;
    dialogue.play(hello);
    SECTION("it went before RCPT") {
        dialogue.play(R"(
            A: gone
            C: MAIL FROM:<a@client.example>
            S: 250 2.1.0 Ok
            C: RCPT TO:<b@mx.example>
            S: 451 4.3.0 mail system is not ready; try again later
            A: back
            C: RCPT TO:<b@mx.example>
            Q: ask a@client.example b@mx.example
            A: yes
            S: 250 2.1.5 Ok
        )");
    }
    SECTION("it went with a question") {
        dialogue.play(R"(
            C| MAIL FROM:<a@client.example>
            C| RCPT TO:<b@mx.example>
            C| RCPT TO:<c@mx.example>
            C: NOOP
            Q: ask a@client.example b@mx.example
            A: gone
            S: 250 2.1.0 Ok
            S: 451 4.3.0 *
            S: 451 4.3.0 *
            S: 250 2.0.0 Ok
        )");
    }
    SECTION("it went before DATA") {
        dialogue.play(R"(
            C: MAIL FROM:<a@client.example>
            S: 250 2.1.0 Ok
            C: RCPT TO:<b@mx.example>
            Q: ask a@client.example b@mx.example
            A: yes
            S: 250 2.1.5 Ok
            A: gone
            C: DATA
            S: 451 4.3.0 *
        )");
    }
    SECTION("it went inside a body of which it had not heard, and came back") {
        dialogue.play(to_data);
        dialogue.play(R"(
            C: Subject: x
            A: gone
            A: back
            C: .
            Q: message
            A: committed
            S: 250 *
        )");
    }
    SECTION("it went inside a body and stayed away") {
        dialogue.play(to_data);
        dialogue.play(R"(
            C: Subject: x
            A: gone
            C: .
            S: 451 4.3.0 *
        )");
    }
    SECTION("it went while it committed") {
        dialogue.play(to_data);
        dialogue.play(R"(
            C: .
            Q: message
            A: gone
            S: 451 4.3.0 *
            A: committed
            S: nothing
        )");
    }
    dialogue.play(R"(
        C: RSET
        S: 250 2.0.0 Ok
        A: back
    )");
    dialogue.play(to_data);
}

TEST_CASE("answers that nobody waits for change nothing") {
    Dialogue dialogue;
    dialogue.play(hello);
    SmtpSession& session = dialogue.session();
    dialogue.apply(session.on(links::RecipientReply{1, {}}, dialogue.now()));
    dialogue.apply(session.on(links::Credit{1, 5}, dialogue.now()));
    dialogue.apply(session.on(links::Committed{1}, dialogue.now()));
    dialogue.apply(session.on(links::Rejected{1, {}}, dialogue.now()));
    dialogue.play(R"(
        S: nothing
        C: MAIL FROM:<a@client.example>
        S: 250 2.1.0 Ok
        C: RCPT TO:<b@mx.example>
        Q: ask a@client.example b@mx.example
    )");
    dialogue.apply(session.on(links::RecipientReply{1, {}}, dialogue.now()));
    dialogue.play(R"(
        S: nothing
        A: yes
        S: 250 2.1.5 Ok
        C: DATA
        S: 354 *
    )");
    // "Committed" before the end is no promise to pass on.
    dialogue.apply(session.on(links::Committed{7U << serial_bits | 2}, dialogue.now()));
    dialogue.play("S: nothing");
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

TEST_CASE(
    "the end of a message waits for credit like the rest of it, and longer than a client may") {
    Dialogue dialogue(large_policy());
    open_body(dialogue);
    const std::string line = std::string(62, 'x') + "\r\n";
    for (std::size_t sent = 0; sent < links::window; sent += line.size() - 1) dialogue.send(line);
    dialogue.send(".\r\n");
    CHECK_FALSE(dialogue.session().takes_input());
    const auto first = dialogue.take_frames();
    REQUIRE(first.size() == 2 + links::window / max_chunk);
    dialogue.pass_time(minutes(3));
    const auto transaction = std::get<links::Begin>(first.front()).transaction;
    dialogue.apply(dialogue.session().on(links::Credit{transaction, max_chunk}, dialogue.now()));
    const auto rest = dialogue.take_frames();
    REQUIRE(rest.size() == 2);
    CHECK(std::holds_alternative<links::End>(rest[1]));
    dialogue.apply(dialogue.session().on(links::Committed{transaction}, dialogue.now()));
    CHECK(dialogue.take_replies().back().starts_with("250 2.0.0 "));
}

TEST_CASE("F22 the time that qmgr takes is not held against the client") {
    Dialogue dialogue(large_policy());
    open_body(dialogue);
    while (dialogue.session().takes_input()) dialogue.send(std::string(32 * 1024, 'x'));
    const auto frames = dialogue.take_frames();
    dialogue.pass_time(minutes(3));
    const auto transaction = std::get<links::Begin>(frames.front()).transaction;
    dialogue.apply(dialogue.session().on(links::Credit{transaction, max_chunk}, dialogue.now()));
    REQUIRE(dialogue.session().takes_input());
    dialogue.pass_time(minutes(2));
    CHECK_FALSE(dialogue.closed());
    dialogue.pass_time(minutes(1));
    CHECK(dialogue.closed());
}

TEST_CASE("a session has a number of its own for each question, and asks one at a time") {
    Dialogue dialogue;
    dialogue.send("EHLO c.example\r\nMAIL FROM:<a@c.example>\r\n");
    dialogue.take_replies();
    std::uint64_t last = 0;
    std::string batch;
    for (int i = 0; i < 100; ++i) batch += "RCPT TO:<b@mx.example>\r\n";
    for (int i = 0; i < 10; ++i) {
        dialogue.send(batch);
        for (auto frames = dialogue.take_frames(); !frames.empty();
             frames = dialogue.take_frames()) {
            REQUIRE(frames.size() == 1);
            const auto number = std::get<links::RecipientQuery>(frames[0]).query;
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
