// Commands: their order, their syntax, their lines, and many of them at once.
#include <algorithm>
#include <string>
#include <vector>

#include "smtpd/smtpin/session.h"
#include "tests/catch.h"
#include "tests/smtpd/smtpin/dialogue.h"

namespace holdfast::smtpin {
namespace {

TEST_CASE("commands have an order") {
    Dialogue dialogue;
    dialogue.play(R"(
        S: 220 *
        C: MAIL FROM:<a@client.example>
        S: 503 5.5.1 say EHLO or HELO first
        C: RCPT TO:<b@mx.example>
        S: 503 5.5.1 say MAIL first
        C: DATA
        S: 503 5.5.1 say MAIL and RCPT first
        C: NOOP of any kind
        S: 250 2.0.0 Ok
        C: HELO client.example
        S: 250 mx.example
        C: RCPT TO:<b@mx.example>
        S: 503 5.5.1 say MAIL first
        C: MAIL FROM:<a@client.example>
        S: 250 2.1.0 Ok
        C: MAIL FROM:<a@client.example>
        S: 503 5.5.1 a transaction is open already
        C: DATA
        S: 554 5.5.1 no valid recipients
    )");
}

TEST_CASE("RSET, HELO and EHLO forget the transaction") {
    for (const char* forget : {"RSET", "HELO client.example", "EHLO client.example"}) {
        CAPTURE(forget);
        Dialogue dialogue;
        dialogue.play(hello);
        dialogue.play(R"(
            C: MAIL FROM:<a@client.example>
            S: 250 2.1.0 Ok
            C: RCPT TO:<b@mx.example>
            Q: ask a@client.example b@mx.example
            A: yes
            S: 250 2.1.5 Ok
        )");
        dialogue.send(std::string(forget) + "\r\n");
        CHECK(dialogue.take_replies().size() >= 1);
        dialogue.play(R"(
            C: RCPT TO:<b@mx.example>
            S: 503 5.5.1 say MAIL first
            C: DATA
            S: 503 *
        )");
    }
}

TEST_CASE("what is no command, not offered, or malformed is refused and the session goes on") {
    Dialogue dialogue;
    dialogue.play(hello);
    dialogue.play(R"(
        C: FROBNICATE
        S: 500 5.5.2 unknown command
        C:
        S: 500 5.5.2 unknown command
        C: STARTTLS
        S: 502 5.5.1 command not offered
        C: EXPN staff
        S: 502 5.5.1 command not offered
        C: VRFY b
        S: 252 2.0.0 *
        C: HELP
        S: 214 2.0.0 *
        C: EHLO
        S: 501 5.5.4 *
        C: EHLO two words
        S: 501 5.5.4 *
        C: RSET now
        S: 501 5.5.4 *
        C: DATA now
        S: 501 5.5.4 *
        C: MAIL FROM:<a@client.example
        S: 501 5.5.4 syntax: MAIL FROM:<address>
        C: MAIL FROM:<a>
        S: 501 5.1.7 sender is no mailbox address
        C: MAIL FROM:<a@client.example> SIZE=ten
        S: 501 5.5.4 bad value for MAIL parameter SIZE
        C: MAIL FROM:<a@client.example> BODY=BINARYMIME
        S: 501 5.5.4 bad value for MAIL parameter BODY
        C: MAIL FROM:<a@client.example> RET=FULL
        S: 555 5.5.4 MAIL parameter not offered: RET
        C: MAIL FROM:<a@client.example> SIZE=1000 BODY=7BIT
        S: 250 2.1.0 Ok
        C: RCPT TO:<>
        S: 501 5.1.3 recipient is no mailbox address
        C: RCPT TO:<b@mx..example>
        S: 501 5.1.3 recipient is no mailbox address
        C: RCPT TO:b@mx.example
        S: 501 5.5.4 syntax: RCPT TO:<address>
        C: RCPT TO:<b@mx.example> NOTIFY=NEVER
        S: 555 5.5.4 RCPT parameter not offered: NOTIFY
        C: RCPT TO:<@relay.example:b@mx.example>
        Q: ask a@client.example b@mx.example
        A: 550 5.1.1 no such user
        S: 550 5.1.1 no such user
    )");
}

TEST_CASE("a client that errs too often is sent away") {
    Dialogue dialogue;
    dialogue.play(hello);
    for (unsigned i = 1; i < ErrorBudget::max_bad_commands; ++i) {
        dialogue.play("C: X\n S: 500 *");
    }
    SECTION("at the next mistake") {
        dialogue.play(R"(
            C: X
            S: 500 5.5.2 *
            S: 421 4.7.0 too many errors
            S: closed
        )");
        REQUIRE(dialogue.facts().size() == 2);  // one line for all commands that were refused
        CHECK(std::get<Ended>(dialogue.facts()[1]).refused == ErrorBudget::max_bad_commands);
    }
    SECTION("not where a message was accepted in between") {
        dialogue.play(to_data);
        dialogue.play("C: .\n Q: message\n A: committed\n S: 250 *");
        dialogue.play("C: X\n S: 500 *");
    }
}

TEST_CASE("a browser that is led here is sent away at its first word") {
    for (const char* line : {"GET / HTTP/1.1", "POST /mail HTTP/1.1", "CONNECT mx:25 HTTP/1.1"}) {
        Dialogue dialogue;
        dialogue.take_replies();
        dialogue.send(std::string(line) + "\r\nEHLO a.example\r\n");
        CHECK(dialogue.take_replies() ==
              std::vector<std::string>{"500 5.5.2 this is an SMTP server"});
        CHECK(dialogue.closed());
    }
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
        Q: nothing
        S: nothing
        A: yes
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250-SIZE 1000
        S: 250-8BITMIME
        S: 250 ENHANCEDSTATUSCODES
        S: 500 5.5.2 unknown command
        S: 250 2.1.0 Ok
        S: 250 2.1.5 Ok
        Q: ask a@client.example c@mx.example
        A: 550 5.1.1 no such user
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

TEST_CASE("each recipient that is refused is a line of the log, with its own name") {
    Dialogue dialogue;
    dialogue.play(hello);
    dialogue.play(R"(
        C: MAIL FROM:<>
        S: 250 2.1.0 Ok
        C: RCPT TO:<x@mx.example>
        Q: ask <> x@mx.example
        A: 550 5.1.1 no such user
        S: 550 5.1.1 no such user
        C: RCPT TO:<y@mx.example>
        Q: ask <> y@mx.example
        A: 550 5.1.1 no such user
        S: 550 5.1.1 no such user
    )");
    REQUIRE(dialogue.facts().size() == 2);
    CHECK(std::get<Refused>(dialogue.facts()[0]).recipient == "x@mx.example");
    CHECK(std::get<Refused>(dialogue.facts()[1]).recipient == "y@mx.example");
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

}  // namespace
}  // namespace holdfast::smtpin
