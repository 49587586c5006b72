// From the leave to send the body to the reply to its end, where mail could be lost or doubled.
#include "tests/catch.h"
#include "tests/smtpd/relay/played_server.h"

namespace holdfast::relay {
namespace {

constexpr std::string_view to_body = R"(
    C: MAIL FROM:<a@us.example>
    C: RCPT TO:<b@x.example>
    C: DATA
    S| 250 ok
    S| 250 ok
    S: 354 go on
    A: body dotted 8bit
    B: one
    C: one
)";

constexpr std::string_view to_chunks = R"(
    C: MAIL FROM:<a@us.example>
    C: RCPT TO:<b@x.example>
    S| 250 ok
    S: 250 ok
    A: body chunked 7bit
    B: one
    C: BDAT 5
    C: one
)";

constexpr std::string_view to_end = R"(
    B: end
    A: final dot
    C: .
)";

TEST_CASE("nothing but a success behind the end of the data is one") {
    const auto* code = GENERATE("354 go on", "451 4.3.0 no", "550 5.7.1 spam", "334 x");
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(pipelining_hello);
    server.play(to_body);
    server.play(to_end);
    server.say(std::string(code) + "\r\n");
    const Outcome& outcome = server.last().recipients.at(0).outcome;
    CHECK(outcome.verdict == (*code == '5' ? Verdict::refused : Verdict::retry));
    // What makes no sense says nothing of the message.
    CHECK(server.last().uncertain == (*code == '3'));
    CHECK(outcome.text.ends_with(std::string("end of data: ") + code));
    server.ignore_rest();
}

TEST_CASE("a success before the end of the data is none") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(pipelining_hello);
    server.play(to_body);
    server.play(R"(
        S: 250 2.0.0 queued
        R: unreachable not an answer that makes sense, DATA: 250 2.0.0 queued
        R: retry 4.5.0 *
        A: failed unreachable *
        A: close
    )");
}

TEST_CASE("a reply that comes with the leave to send the body answers nothing") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(pipelining_hello);
    server.play(R"(
        C: MAIL FROM:<a@us.example>
        C: RCPT TO:<b@x.example>
        C: DATA
        S| 250 ok
        S| 250 ok
        S| 354 go on
        S: 250 2.0.0 queued
        R: unreachable *
        R: retry 4.5.0 *
        A: failed unreachable *
        A: close
    )");
}

TEST_CASE("a message that is refused while it goes out is not sent to its end") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(pipelining_hello);
    server.play(to_body);
    SECTION("for good") {
        server.play(R"(
            S: 552 5.3.4 too large
            R: usable
            R: refused 5.3.4 DATA: 552 5.3.4 too large
            A: failed usable 4.4.2 the server refused the message before its end
            A: close
        )");
    }
    SECTION("by a server that closes") {
        server.play(R"(
            S: 421 4.4.2 too slow
            R: unreachable DATA: 421 4.4.2 too slow
            R: retry 4.4.2 DATA: 421 4.4.2 too slow
            A: failed unreachable 4.4.2 DATA: 421 4.4.2 too slow
            A: close
        )");
    }
}

TEST_CASE("a chunk that is refused ends the transaction and not the session") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(chunking_hello);
    server.play(to_chunks);
    SECTION("before the end") {
        server.play(R"(
            S: 552 5.3.4 too large
            C: RSET
            A: stop body
            R: usable
            R: refused 5.3.4 BDAT: 552 5.3.4 too large
        )");
        CHECK_FALSE(server.session().takes_body());
        server.give_body("BDAT 1\r\nx", 2);
        server.end_body("BDAT 0 LAST\r\n");
        server.play(R"(
            C: nothing
            S: 250 ok
            A: idle
        )");
    }
    SECTION("with others behind it") {
        server.play(R"(
            B: two
            C: BDAT 5
            C: two
            S: 451 4.3.1 full
            A: stop body
            R: usable
            R: retry 4.3.1 BDAT: 451 4.3.1 full
            S: 503 5.5.1 what?
            C: RSET
            S: 250 ok
            A: idle
        )");
    }
    SECTION("with the end behind it") {
        server.play(R"(
            B: end
            A: final dot
            C: BDAT 0 LAST
            S: 451 4.3.1 full
            S: 503 5.5.1 what?
            C: RSET
            R: usable
            R: retry 4.3.1 BDAT: 451 4.3.1 full
            S: 250 ok
            A: idle
        )");
    }
    SECTION("and a success behind it is none, nor is the refusal then") {
        server.play(R"(
            B: end
            A: final dot
            C: BDAT 0 LAST
            S: 552 5.3.4 too large
            S: 250 2.0.0 queued
            R: unreachable uncertain not an answer that makes sense, end of data: 250 2.0.0 queued
            R: retry 4.5.0 *
            A: failed unreachable *
            A: close
        )");
    }
}

TEST_CASE("a connection that ends between the end of the message and the reply leaves it open") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(pipelining_hello);
    server.play(to_body);
    SECTION("inside the body it does not") {
        server.play(R"(
            X: closed reset by peer
            R: unreachable connection lost, no progress of the message (reset by peer)
            R: retry 4.4.2 *
            A: failed unreachable 4.4.2 *
            A: close
        )");
    }
    SECTION("behind the end") {
        server.play(to_end);
        server.play(R"(
            X: closed reset by peer
            R: unreachable uncertain connection lost, no answer to the end of data (reset by peer)
            R: retry 4.4.2 *
            A: failed unreachable 4.4.2 *
            A: close
        )");
    }
    SECTION("in the middle of the reply") {
        server.play(to_end);
        server.play(R"(
            S~ 250 2.0.0 queued
            X: closed
            R: unreachable uncertain *
            R: retry 4.4.2 *
            A: failed unreachable *
            A: close
        )");
    }
    SECTION("the server does not answer in time") {
        server.play(to_end);
        server.play(R"(
            T: 600
            R: unreachable uncertain no answer to the end of data within 10m
            R: retry 4.4.2 *
            A: failed unreachable *
            A: close
        )");
    }
    SECTION("what it answers is no reply") {
        server.play(to_end);
        server.play(R"(
            S: OK 250
            R: unreachable uncertain the server says what is no reply: "OK 250"
            R: retry 4.5.0 *
            A: failed unreachable *
            A: close
        )");
    }
    SECTION("421 is an answer") {
        server.play(to_end);
        server.play(R"(
            S: 421 4.3.2 shutting down
            R: unreachable end of data: 421 4.3.2 shutting down
            R: retry 4.3.2 end of data: 421 4.3.2 shutting down
            A: failed unreachable *
            A: close
        )");
    }
}

TEST_CASE("a body that cannot be had is cut off without an end") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(pipelining_hello);
    SECTION("inside it") {
        server.play(to_body);
        server.play(R"(
            X: unreadable checksum
            C: nothing
            R: usable
            R: retry 4.3.0 the message cannot be read (checksum)
            A: failed usable 4.3.0 *
            A: close
        )");
        server.session().body("x\r\n", 0, {});
        CHECK(server.session().end_body(".\r\n", {}).bytes == "");
    }
    SECTION("before the server has asked for it") {
        server.play(R"(
            C: MAIL FROM:<a@us.example>
            C: RCPT TO:<b@x.example>
            C: DATA
            X: unreadable checksum
            C: nothing
            R: usable
            R: retry 4.3.0 *
            A: failed usable *
            A: close
        )");
    }
    SECTION("behind its end it is too late") {
        server.play(to_body);
        server.play(to_end);
        server.play(R"(
            X: unreadable checksum
            S: 250 ok
            R: usable
            R: delivered 2.0.0 end of data: 250 ok
            A: idle
        )");
    }
}

TEST_CASE("what was delivered in one round is not lost by the next") {
    PlayedServer server;
    server.transact(message_for({"b@x.example", "c@x.example"}));
    server.play(pipelining_hello);
    server.play(R"(
        C: MAIL FROM:<a@us.example>
        C: RCPT TO:<b@x.example>
        C: RCPT TO:<c@x.example>
        C: DATA
        S| 250 ok
        S| 250 ok
        S| 452 4.5.3 too many
        S: 354 go on
        A: body dotted 8bit
        B: one
        C: one
        B: end
        A: final dot
        C: .
        S: 250 queued
        C: MAIL FROM:<a@us.example>
        C: RCPT TO:<c@x.example>
        C: DATA
        X: closed
        R: unreachable connection lost, no answer to MAIL
        R: delivered 2.0.0 end of data: 250 queued
        R: retry 4.4.2 connection lost, no answer to MAIL
        A: failed unreachable *
        A: close
    )");
}

}  // namespace
}  // namespace holdfast::relay
