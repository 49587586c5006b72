// Envelopes that a server takes in part or not at all.
#include "tests/catch.h"
#include "tests/smtpd/relay/played_server.h"

namespace holdfast::relay {
namespace {

constexpr std::string_view three_commands = R"(
    C: MAIL FROM:<a@us.example>
    C: RCPT TO:<b@x.example>
    C: DATA
)";

TEST_CASE("a recipient that is refused does not spoil the others") {
    PlayedServer server;
    server.transact(message_for({"b@x.example", "c@x.example", "d@x.example"}));
    server.play(pipelining_hello);
    server.play(R"(
        C: MAIL FROM:<a@us.example>
        C: RCPT TO:<b@x.example>
        C: RCPT TO:<c@x.example>
        C: RCPT TO:<d@x.example>
        C: DATA
        S| 250 2.1.0 ok
        S| 550-5.1.1 no such user
        S| 550 5.1.1 ask postmaster
        S| 250 2.1.5 ok
        S| 450 4.2.1 later
        S: 354 go on
        A: body dotted 8bit
        B: end
        A: final dot
        C: .
        S: 250 2.0.0 ok
        R: usable
        R: refused 5.1.1 RCPT: 550 5.1.1 no such user / ask postmaster
        R: delivered 2.0.0 end of data: 250 2.0.0 ok
        R: retry 4.2.1 RCPT: 450 4.2.1 later
        A: idle
    )");
}

TEST_CASE("where all are refused DATA is not said") {
    PlayedServer server;
    server.transact(message_for({"b@x.example", "c@x.example"}));
    server.play(bare_hello);
    server.play(R"(
        C: MAIL FROM:<a@us.example>
        S: 250 ok
        C: RCPT TO:<b@x.example>
        S: 550 5.1.1 no
        C: RCPT TO:<c@x.example>
        S: 550 5.1.1 no
        C: RSET
        R: usable
        R: refused 5.1.1 RCPT: 550 5.1.1 no
        R: refused 5.1.1 RCPT: 550 5.1.1 no
    )");
    CHECK_FALSE(server.session().idle());
    server.play(R"(
        S: 250 ok
        A: idle
    )");
}

TEST_CASE("where all are refused and DATA was said it ends the transaction") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(pipelining_hello);
    server.play(three_commands);
    SECTION("refused as well") {
        server.play(R"(
            S| 250 ok
            S| 550 5.1.1 no
            S: 554 5.5.1 no valid recipients
            C: RSET
            R: usable
            R: refused 5.1.1 RCPT: 550 5.1.1 no
            S: 250 ok
            A: idle
        )");
    }
    SECTION("with leave to send a message to nobody (RFC 2920)") {
        server.play(R"(
            S| 250 ok
            S| 550 5.1.1 no
            S: 354 go on
            C: .
            R: usable
            R: refused 5.1.1 RCPT: 550 5.1.1 no
            S: 250 2.0.0 queued
            C: RSET
            S: 250 ok
            A: idle
        )");
    }
}

TEST_CASE("a sender that is refused is the answer for every recipient") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    SECTION("pipelined") {
        server.play(pipelining_hello);
        server.play(three_commands);
        server.play(R"(
            S| 550 5.7.1 we know you
            S| 503 5.5.1 MAIL first
            S: 503 5.5.1 MAIL first
            R: usable
            R: refused 5.7.1 MAIL: 550 5.7.1 we know you
            A: idle
        )");
    }
    SECTION("pipelined, and the server goes on all the same") {
        server.play(pipelining_hello);
        server.play(three_commands);
        server.play(R"(
            S| 451 4.7.1 later
            S| 250 ok
            S: 354 go on
            C: .
            R: usable
            R: retry 4.7.1 MAIL: 451 4.7.1 later
            S: 250 ok
            C: RSET
            S: 250 ok
            A: idle
        )");
    }
    SECTION("one by one") {
        server.play(bare_hello);
        server.play(R"(
            C: MAIL FROM:<a@us.example>
            S: 452 4.3.1 full
            R: usable
            R: retry 4.3.1 MAIL: 452 4.3.1 full
            A: idle
        )");
    }
}

TEST_CASE("DATA that is refused is the answer for those who were taken") {
    PlayedServer server;
    server.transact(message_for({"b@x.example", "c@x.example"}));
    server.play(bare_hello);
    server.play(R"(
        C: MAIL FROM:<a@us.example>
        S: 250 ok
        C: RCPT TO:<b@x.example>
        S: 250 ok
        C: RCPT TO:<c@x.example>
        S: 550 no
        C: DATA
        S: 451 4.3.0 no disk
        C: RSET
        R: usable
        R: retry 4.3.0 DATA: 451 4.3.0 no disk
        R: refused 5.0.0 RCPT: 550 no
        S: 250 ok
        A: idle
    )");
}

TEST_CASE("those who are too many for one transaction come in the next") {
    const auto* code = GENERATE("452 4.5.3 too many recipients", "452 too many", "552 too many",
                                "552 5.5.3 too many");
    PlayedServer server;
    server.transact(message_for({"b@x.example", "c@x.example", "d@x.example"}));
    server.play(pipelining_hello);
    server.play(R"(
        C: MAIL FROM:<a@us.example>
        C: RCPT TO:<b@x.example>
        C: RCPT TO:<c@x.example>
        C: RCPT TO:<d@x.example>
        C: DATA
    )");
    server.say("250 ok\r\n250 ok\r\n" + std::string(code) + "\r\n" + code + "\r\n354 go on\r\n");
    server.play(R"(
        A: body dotted 8bit
        B: x
        C: x
        B: end
        A: final dot
        C: .
        S: 250 first
        C: MAIL FROM:<a@us.example>
        C: RCPT TO:<c@x.example>
        C: RCPT TO:<d@x.example>
        C: DATA
    )");
    server.say("250 ok\r\n" + std::string(code) + "\r\n250 ok\r\n354 go on\r\n");
    server.play(R"(
        A: body dotted 8bit
        B: x
        C: x
        B: end
        A: final dot
        C: .
        S: 250 second
        R: usable
        R: delivered 2.0.0 end of data: 250 first
        R: *
        R: delivered 2.0.0 end of data: 250 second
        A: idle
    )");
    // As the first of its transaction it was told so itself.
    CHECK(server.last().recipients[1].outcome.text == "RCPT: " + std::string(code));
}

TEST_CASE("a mailbox that is full is not too many recipients") {
    PlayedServer server;
    server.transact(message_for({"b@x.example", "c@x.example", "d@x.example"}));
    server.play(pipelining_hello);
    server.play(R"(
        C: MAIL FROM:<a@us.example>
        C: RCPT TO:<b@x.example>
        C: RCPT TO:<c@x.example>
        C: RCPT TO:<d@x.example>
        C: DATA
        S| 250 ok
        S| 250 ok
        S| 552 5.2.2 mailbox full
        S| 452 4.2.2 mailbox full
        S: 354 go on
        A: body dotted 8bit
        B: end
        A: final dot
        C: .
        S: 250 ok
        R: usable
        R: delivered 2.0.0 end of data: 250 ok
        R: refused 5.2.2 RCPT: 552 5.2.2 mailbox full
        R: retry 4.2.2 RCPT: 452 4.2.2 mailbox full
        A: idle
    )");
}

TEST_CASE("a transaction has at most a hundred recipients, and as many follow as it takes") {
    std::vector<std::string> recipients;
    for (int i = 0; i < 250; ++i) recipients.push_back("u" + std::to_string(i) + "@x.example");
    PlayedServer server;
    server.transact(message_for(recipients));
    server.play(pipelining_hello);
    for (int round = 0; round < 3; ++round) {
        const int count = round < 2 ? 100 : 50;
        const std::string said = server.take_output();
        CHECK(static_cast<int>(std::count(said.begin(), said.end(), '\n')) == count + 2);
        std::string answers = "250 ok\r\n";
        for (int i = 0; i < count; ++i) answers += "250 ok\r\n";
        server.say(answers + "354 go on\r\n");
        server.play(R"(
            A: body dotted 8bit
            B: end
            A: final dot
            C: .
        )");
        server.say("250 round " + std::to_string(round) + "\r\n");
    }
    server.play("R: usable");
    for (int i = 0; i < 250; ++i) {
        server.play("R: delivered 2.0.0 end of data: 250 round " + std::to_string(i / 100));
    }
    server.play("A: idle");
}

TEST_CASE("a server that wants a login or TLS first shows that our configuration is at fault") {
    const auto* code = GENERATE("530 5.7.0 authentication required", "535 5.7.8 no",
                                "538 5.7.11 encryption required");
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(bare_hello);
    server.play("C: MAIL FROM:<a@us.example>");
    SECTION("at MAIL") {
        server.say(std::string(code) + "\r\n");
        CHECK(server.last().why == "MAIL: " + std::string(code));
    }
    SECTION("at RCPT") {
        server.play(R"(
            S: 250 ok
            C: RCPT TO:<b@x.example>
        )");
        server.say(std::string(code) + "\r\n");
        CHECK(server.last().why == "RCPT: " + std::string(code));
    }
    server.play(R"(
        C: QUIT
        R: broken *
        R: retry 4.7.0 *
        A: failed broken 4.7.0 *
        S: 221 bye
        A: close
    )");
}

TEST_CASE("421 ends the transaction, and those who had an answer keep it") {
    PlayedServer server;
    server.transact(message_for({"b@x.example", "c@x.example"}));
    server.play(pipelining_hello);
    server.play(R"(
        C: MAIL FROM:<a@us.example>
        C: RCPT TO:<b@x.example>
        C: RCPT TO:<c@x.example>
        C: DATA
        S| 250 ok
        S| 550 5.1.1 no
        S: 421 4.3.2 shutting down
        R: unreachable RCPT: 421 4.3.2 shutting down
        R: refused 5.1.1 RCPT: 550 5.1.1 no
        R: retry 4.3.2 RCPT: 421 4.3.2 shutting down
        A: failed unreachable 4.3.2 RCPT: 421 4.3.2 shutting down
        A: close
    )");
}

TEST_CASE("a server that does not take RSET is not kept") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(bare_hello);
    server.play(R"(
        C: MAIL FROM:<a@us.example>
        S: 250 ok
        C: RCPT TO:<b@x.example>
        S: 550 no
        C: RSET
        R: usable
        R: refused 5.0.0 RCPT: 550 no
        S: 500 what?
        A: failed unreachable 4.5.0 RSET: 500 what?
        A: close
    )");
}

TEST_CASE("answers of a class that no command has end the session") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(bare_hello);
    server.play("C: MAIL FROM:<a@us.example>");
    SECTION("354 to MAIL") {
        server.play(R"(
            S: 354 go on
            R: unreachable not an answer that makes sense, MAIL: 354 go on
            R: retry 4.5.0 *
            A: failed unreachable *
            A: close
        )");
    }
    SECTION("354 to RCPT") {
        server.play(R"(
            S: 250 ok
            C: RCPT TO:<b@x.example>
            S: 354 go on
            R: unreachable not an answer that makes sense, RCPT: 354 go on
            R: retry 4.5.0 *
            A: failed unreachable *
            A: close
        )");
    }
    SECTION("250 or 334 to DATA") {
        const auto* code = GENERATE("250", "334", "399");
        server.play(R"(
            S: 250 ok
            C: RCPT TO:<b@x.example>
            S: 250 ok
            C: DATA
        )");
        server.say(std::string(code) + " ok\r\n");
        server.play(R"(
            R: unreachable not an answer that makes sense, DATA: *
            R: retry 4.5.0 *
            A: failed unreachable *
            A: close
        )");
    }
}

}  // namespace
}  // namespace holdfast::relay
