// From the greeting to the first transaction, without TLS and login.
#include "tests/catch.h"
#include "tests/smtpd/relay/played_server.h"

namespace holdfast::relay {
namespace {

TEST_CASE("a server that refuses us at the greeting is one that cannot be reached") {
    const auto* greeting = GENERATE("554 5.7.1 go away", "450 4.3.2 later", "521 no mail here");
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.say(std::string(greeting) + "\r\n");
    CHECK(server.last().why == "greeting: " + std::string(greeting));
    server.play(R"(
        C: QUIT
        R: unreachable greeting: *
        R: retry 4.3.2 greeting: *
        A: failed unreachable 4.3.2 greeting: *
        S: 221 bye
        A: close
    )");
}

TEST_CASE("421 needs no goodbye") {
    PlayedServer server;
    server.play(R"(
        S: 421 4.7.0 too many connections
        A: failed unreachable 4.7.0 greeting: 421 4.7.0 too many connections
        A: close
    )");
}

TEST_CASE("a server that does not know EHLO is asked by HELO") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 502 5.5.1 what?
        C: HELO us.example
        S: 250 mx.example
        C: MAIL FROM:<a@us.example>
    )");
    CHECK_FALSE(server.session().extensions().pipelining);
}

TEST_CASE("HELO is refused as well") {
    PlayedServer server;
    server.play(R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 550 5.7.1 blocked
        C: HELO us.example
        S: 550 5.7.1 blocked
        C: QUIT
        A: failed unreachable 4.3.2 HELO: 550 5.7.1 blocked
        X: closed
        A: close
    )");
}

TEST_CASE("a server that is busy at EHLO is not asked by HELO") {
    PlayedServer server;
    server.play(R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 451 4.3.2 busy
        C: QUIT
        A: failed unreachable 4.3.2 EHLO: 451 4.3.2 busy
        S: 221 bye
        A: close
    )");
}

TEST_CASE("where a login is needed HELO will not do") {
    SessionPlan plan = test_plan();
    plan.credentials = {"user", "pencil", SecretKind::password};
    PlayedServer server(plan);
    server.play(R"(
        S: 220 mx.example
        C: EHLO us.example
        S: 502 5.5.1 what?
        C: QUIT
        A: failed broken 4.7.0 EHLO: 502 5.5.1 what?
        S: 221 bye
        A: close
    )");
}

TEST_CASE("answers of a class that a command has not end the session") {
    PlayedServer server;
    SECTION("to the greeting") {
        server.play(R"(
            S: 354 go on
            A: failed unreachable 4.5.0 not an answer that makes sense, greeting: 354 go on
            A: close
        )");
    }
    SECTION("to EHLO") {
        server.play(R"(
            S: 220 mx.example
            C: EHLO us.example
            S: 334 go on
            A: failed unreachable 4.5.0 not an answer that makes sense, EHLO: 334 go on
            A: close
        )");
    }
}

TEST_CASE("F24 a server that speaks another protocol or without end is left") {
    PlayedServer server;
    SECTION("another protocol") {
        server.play(R"(
            S: SSH-2.0-OpenSSH_9.2
            A: failed unreachable 4.5.0 the server says what is no reply: "SSH-2.0-OpenSSH_9.2"
            A: close
        )");
    }
    SECTION("a reply without end") {
        std::string endless = "220-";
        for (std::size_t i = 0; i < max_reply_lines; ++i) endless += "a\r\n220-";
        server.say(endless + "a\r\n");
        server.play(R"(
            A: failed unreachable 4.5.0 the server's reply has more than 200 lines
            A: close
        )");
    }
    SECTION("a line without end") {
        server.say("220 " + std::string(1000, 'a'));
        server.say(std::string(3000, 'a'));
        server.say(std::string(1000, 'a'));
        server.play(R"(
            A: failed unreachable 4.5.0 the server's reply has a line of more than 4096 bytes
            A: close
        )");
    }
}

TEST_CASE("F24 what a server said is shown without its control bytes") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(bare_hello);
    server.play(R"(
        C: MAIL FROM:<a@us.example>
        S~ 550-5.1.8 no\0such\r\n
        C: nothing
        S~ 550 5.1.8 sender\r\n
        R: usable
        R: refused 5.1.8 MAIL: 550 5.1.8 no\x00such / sender
        A: idle
    )");
}

TEST_CASE("a reply that no command waits for ends the session") {
    PlayedServer server;
    server.play(bare_hello);
    server.play("A: idle");
    SECTION("between transactions") {
        server.play(R"(
            S: 250 ok
            A: failed unreachable 4.5.0 unasked: 250 ok
            A: close
        )");
    }
    SECTION("behind another one, as if the next command had been answered") {
        server.transact(message_for({"b@x.example"}));
        server.play(R"(
            C: MAIL FROM:<a@us.example>
            S| 250 ok
            S: 250 ok
            R: unreachable unasked: 250 ok
            R: retry 4.5.0 unasked: 250 ok
            A: failed unreachable 4.5.0 unasked: 250 ok
            A: close
        )");
    }
    SECTION("in part before a command, whose answer its rest is not") {
        server.play("S~ 250 o");
        server.transact(message_for({"b@x.example"}));
        server.play(R"(
            C: MAIL FROM:<a@us.example>
            S~ k\r\n
            R: unreachable unasked: 250 ok
            R: retry 4.5.0 *
            A: failed unreachable *
            A: close
        )");
    }
    SECTION("but for one that says that the server is closing") {
        server.transact(message_for({"b@x.example"}));
        server.play(R"(
            C: MAIL FROM:<a@us.example>
            S| 250 ok
            S: 421 4.3.2 shutting down
            R: unreachable unasked: 421 4.3.2 shutting down
            R: retry 4.3.2 unasked: 421 4.3.2 shutting down
            A: failed unreachable *
            A: close
        )");
    }
}

TEST_CASE("two greetings are one too many") {
    PlayedServer server;
    server.play(R"(
        S| 220 mx.example
        S: 250 mx.example
        A: failed unreachable 4.5.0 unasked: 250 mx.example
        A: close
    )");
}

}  // namespace
}  // namespace holdfast::relay
