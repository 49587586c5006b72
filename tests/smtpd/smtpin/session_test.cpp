// The way of a message through a session, from the greeting to qmgr's word or the end.
#include "smtpd/smtpin/session.h"

#include "tests/catch.h"
#include "tests/smtpd/smtpin/dialogue.h"

namespace holdfast::smtpin {
namespace {

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

    REQUIRE(dialogue.facts().size() == 1);
    const auto& ended = std::get<Ended>(dialogue.facts()[0]);
    CHECK(ended.reason == Reason::quit);
    CHECK(ended.accepted == 1);
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

}  // namespace
}  // namespace holdfast::smtpin
