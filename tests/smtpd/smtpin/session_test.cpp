#include "smtpd/smtpin/session.h"

#include "tests/catch.h"
#include "tests/smtpd/smtpin/dialogue.h"

namespace holdfast::smtpin {
namespace {

constexpr std::string_view hello = R"(
    S: 220 mx.example ESMTP Holdfast
    C: EHLO client.example
    S: 250-mx.example
    S: 250-PIPELINING
    S: 250-SIZE 1000
    S: 250-8BITMIME
    S: 250 ENHANCEDSTATUSCODES
)";

// From MAIL to 354.
constexpr std::string_view to_data = R"(
    C: MAIL FROM:<a@client.example>
    S: 250 2.1.0 Ok
    C: RCPT TO:<b@mx.example>
    Q: ask a@client.example b@mx.example
    A: yes
    S: 250 2.1.5 Ok
    C: DATA
    S: 354 *
)";

TEST_CASE("a message goes to qmgr behind its trace field and is acknowledged once committed") {
    Dialogue dialogue;
    dialogue.play(hello);
    dialogue.play(to_data);
    dialogue.play(R"(
        C: Subject: hello
        C:
        C: ..dot
        C: .
        Q: message
        S: nothing
        A: committed
        S: 250 2.0.0 Ok: queued as 01ARZ3NDEKTSV4RRFFQ69G5FAV
        C: QUIT
        S: 221 2.0.0 Bye
        S: closed
    )");
    CHECK(dialogue.body() ==
          "Received: from client.example ([192.0.2.1])\n"
          "\tby mx.example (Holdfast) with ESMTP id 01ARZ3NDEKTSV4RRFFQ69G5FAV\n"
          "\tfor <b@mx.example>;\n"
          "\tMon, 09 Nov 2026 07:30:18 +0000\n"
          "Subject: hello\n\n.dot\n");
    const Envelope& envelope = dialogue.envelope();
    CHECK(envelope.id == *MessageId::parse(test_id));
    CHECK(envelope.source == Source::smtp);
    CHECK(envelope.client == "[192.0.2.1]:4711");
    CHECK(envelope.helo == "client.example");
    CHECK(envelope.sender == "a@client.example");
    CHECK_FALSE(envelope.eight_bit);
    REQUIRE(envelope.recipients.size() == 1);
    CHECK(envelope.recipients[0] == Recipient{"b@mx.example", {}, notify_default});

    REQUIRE(dialogue.facts().size() == 2);
    const auto& accepted = std::get<Accepted>(dialogue.facts()[0]);
    CHECK(accepted.sender == "a@client.example");
    CHECK(accepted.recipient == "b@mx.example");
    CHECK(accepted.size == 16 + 2 + 6);
    CHECK(std::get<Ended>(dialogue.facts()[1]).reason == Reason::quit);
}

TEST_CASE("several recipients are not shown to each other") {
    Dialogue dialogue;
    dialogue.play(hello);
    dialogue.play(R"(
        C: MAIL FROM:<> BODY=8BITMIME
        S: 250 2.1.0 Ok
        C: RCPT TO:<b@mx.example>
        Q: ask <> b@mx.example
        A: yes
        S: 250 2.1.5 Ok
        C: RCPT TO:<Postmaster>
        Q: ask <> postmaster@mx.example
        A: yes
        S: 250 2.1.5 Ok
        C: DATA
        S: 354 *
        C: .
        Q: message
        A: committed
        S: 250 *
    )");
    CHECK(dialogue.envelope().sender == "");
    CHECK(dialogue.envelope().eight_bit);
    CHECK(dialogue.envelope().recipients.size() == 2);
    CHECK(dialogue.body().find("for <") == std::string::npos);
}

TEST_CASE("HELO speaks SMTP without extensions") {
    Dialogue dialogue;
    dialogue.play(R"(
        S: 220 *
        C: HELO [192.0.2.1]
        S: 250 mx.example
    )");
    dialogue.play(to_data);
    dialogue.play(R"(
        C: .
        Q: message
        A: committed
        S: 250 *
    )");
    CHECK(dialogue.body().starts_with("Received: from [192.0.2.1] ([192.0.2.1])\n"));
    CHECK(dialogue.body().find("with SMTP id") != std::string::npos);
}

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

TEST_CASE(
    "a message that is declared too large is refused at MAIL, one that is too large behind it") {
    Dialogue dialogue;
    dialogue.play(hello);
    dialogue.play(R"(
        C: MAIL FROM:<a@client.example> SIZE=1001
        S: 552 5.3.4 message larger than 1000 bytes
        C: MAIL FROM:<a@client.example> SIZE=99999999999999999999
        S: 552 5.3.4 message larger than 1000 bytes
    )");
    dialogue.play(to_data);
    dialogue.send(std::string(998, 'x') + "\r\n.\r\n");
    dialogue.play(R"(
        Q: message
        A: committed
        S: 250 *
    )");
    dialogue.play(to_data);
    dialogue.send(std::string(999, 'x') + "\r\n.\r\n");
    dialogue.play(R"(
        Q: nothing
        S: 552 5.3.4 message larger than 1000 bytes
    )");
}

TEST_CASE("F49 a message with more than 50 Received fields is in a loop") {
    Policy policy = test_policy();
    policy.max_message_bytes = 100'000;
    for (const unsigned hops : {50U, 51U}) {
        CAPTURE(hops);
        Dialogue dialogue(policy);
        dialogue.send("EHLO client.example\r\n");
        dialogue.take_replies();
        dialogue.play(to_data);
        for (unsigned i = 0; i < hops; ++i) dialogue.send("ReCeived: from a\r\n\tby b\r\n");
        dialogue.send("\r\nReceived: not a field\r\n.\r\n");
        if (hops == 50) {
            dialogue.play("Q: message\n A: committed\n S: 250 *");
        } else {
            dialogue.play("S: 554 5.4.6 mail loop: more than 50 hops");
        }
    }
}

TEST_CASE("a NUL in the message is refused at its end and the session goes on") {
    Dialogue dialogue;
    dialogue.play(hello);
    dialogue.play(to_data);
    dialogue.play(R"(
        C~ a\0b\r\n
        C: .
        S: 554 5.6.0 *
    )");
    dialogue.play(to_data);
}

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
            Q: ask a@client.example c@mx.example
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

TEST_CASE("a client that leaves before the final dot takes the message back") {
    Policy policy = test_policy();
    policy.max_message_bytes = 1'000'000;
    Dialogue dialogue(policy);
    dialogue.send("EHLO client.example\r\n");
    dialogue.take_replies();
    dialogue.play(to_data);
    SECTION("qmgr has heard of it") {
        dialogue.send(std::string(100'000, 'x'));
        dialogue.play(R"(
            Q: begin
            Q: recipients
            Q: chunk
            X: client left
            Q: abort
            S: closed
        )");
    }
    SECTION("qmgr has not heard of it") {
        dialogue.play(R"(
            C: Subject: x
            X: client left
            Q: nothing
            S: closed
        )");
    }
    SECTION("not behind it: the message stands, and the log says that it may come again") {
        dialogue.play(R"(
            C: .
            Q: message
            X: client left
            Q: nothing
            S: closed
        )");
        const auto& ended = std::get<Ended>(dialogue.facts().back());
        CHECK(ended.reason == Reason::client_left);
        CHECK(ended.unanswered == MessageId::parse(test_id));
    }
}

TEST_CASE("a draining server finishes transactions and then says 421") {
    Dialogue dialogue;
    SECTION("before anything") {
        dialogue.play(R"(
            S: 220 *
            X: drain
            S: 421 4.3.2 mx.example is restarting; connect again
            S: closed
        )");
    }
    SECTION("between transactions") {
        dialogue.play(hello);
        dialogue.play(R"(
            C~ NOO
            X: drain
            S: 421 4.3.2 *
            S: closed
        )");
    }
    SECTION("in a transaction") {
        dialogue.play(hello);
        dialogue.play(to_data);
        dialogue.play(R"(
            X: drain
            C: Subject: x
            X: drain
            C| .
            C: MAIL FROM:<a@client.example>
            Q: message
            A: committed
            S: 250 2.0.0 *
            S: 421 4.3.2 *
            S: closed
        )");
    }
    SECTION("in a transaction that the client gives up") {
        dialogue.play(hello);
        dialogue.play(R"(
            C: MAIL FROM:<a@client.example>
            S: 250 2.1.0 Ok
            X: drain
            C: RSET
            S: 250 2.0.0 Ok
            S: 421 4.3.2 *
            S: closed
        )");
    }
    SECTION("in a transaction that takes too long") {
        dialogue.play(hello);
        dialogue.play(R"(
            C: MAIL FROM:<a@client.example>
            S: 250 2.1.0 Ok
            X: drain
            T: 240
            C: RCPT TO:<b@mx.example>
            Q: ask a@client.example b@mx.example
            A: yes
            S: 250 2.1.5 Ok
            T: 60
            S: 421 4.3.2 *
            S: closed
        )");
    }
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
        REQUIRE(dialogue.facts().size() == 2);  // one line for all that were refused
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

}  // namespace
}  // namespace holdfast::smtpin
