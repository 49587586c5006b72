// How sessions end: by time, by the connection, and by us.
#include "tests/catch.h"
#include "tests/smtpd/relay/played_server.h"

namespace holdfast::relay {
namespace {

TEST_CASE("each phase has its own patience (RFC 5321 section 4.5.3.2)") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    SECTION("the greeting") {
        server.play(R"(
            T: 299
            T: 1
            R: unreachable no greeting within 5m
        )");
    }
    SECTION("EHLO") {
        server.play(R"(
            S: 220 mx.example
            C: EHLO us.example
            T: 299
            T: 1
            R: unreachable no answer to EHLO within 5m
        )");
    }
    SECTION("MAIL") {
        server.play(bare_hello);
        server.play(R"(
            C: MAIL FROM:<a@us.example>
            T: 299
            T: 1
            R: unreachable no answer to MAIL within 5m
        )");
    }
    SECTION("RCPT") {
        server.play(bare_hello);
        server.play(R"(
            C: MAIL FROM:<a@us.example>
            T: 200
            S: 250 ok
            C: RCPT TO:<b@x.example>
            T: 299
            T: 1
            R: unreachable no answer to RCPT within 5m
        )");
    }
    SECTION("DATA") {
        server.play(pipelining_hello);
        server.play(R"(
            C: MAIL FROM:<a@us.example>
            C: RCPT TO:<b@x.example>
            C: DATA
            S| 250 ok
            S: 250 ok
            T: 119
            T: 1
            R: unreachable no answer to DATA within 2m
        )");
    }
    SECTION("a piece of the body") {
        server.play(pipelining_hello);
        server.play(R"(
            C: MAIL FROM:<a@us.example>
            C: RCPT TO:<b@x.example>
            C: DATA
            S| 250 ok
            S| 250 ok
            S: 354 go on
            A: body dotted 8bit
            T: 179
            B: one
            C: one
            T: 179
            T: 1
            R: unreachable no progress of the message within 3m
        )");
    }
    SECTION("a chunk") {
        server.play(chunking_hello);
        server.play(R"(
            C: MAIL FROM:<a@us.example>
            C: RCPT TO:<b@x.example>
            S| 250 ok
            S: 250 ok
            A: body chunked 7bit
            B: one
            C: BDAT 5
            C: one
            T: 180
            R: unreachable no progress of the message within 3m
        )");
    }
    server.play(R"(
        R: retry 4.4.2 *
        A: failed unreachable 4.4.2 *
        A: close
    )");
}

TEST_CASE("RSET and QUIT have theirs") {
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
    )");
    SECTION("RSET") {
        server.play(R"(
            T: 300
            A: failed unreachable 4.4.2 no answer to RSET within 5m
            A: close
        )");
    }
    SECTION("QUIT") {
        server.play(R"(
            S: 250 ok
            A: idle
            X: quit
            C: QUIT
            T: 4
            T: 1
            A: close
        )");
    }
}

TEST_CASE("F22 a byte now and then buys a server no time") {
    PlayedServer server;
    server.play("T: 60");
    for (const char* byte : {"2", "2", "0", "-"}) {
        server.say(byte);
        if (*byte != '-') server.play("T: 60");
    }
    server.play(R"(
        T: 59
        T: 1
        A: failed unreachable 4.4.2 no greeting within 5m
        A: close
    )");
}

TEST_CASE("F22 a server that is slow in everything does not get to be so for ever") {
    SessionPlan plan = test_plan();
    plan.tls = links::RelayTls::none;
    plan.credentials = {"user", "pencil", SecretKind::password};
    PlayedServer server(plan);
    server.play(R"(
        T: 280
        S: 220 mx.example
        C: EHLO us.example
        T: 280
        S| 250-mx.example
        S: 250 AUTH LOGIN
        C: AUTH LOGIN
        T: 280
        S: 334 VXNlcm5hbWU6
        C: dXNlcg==
        T: 60
        A: failed unreachable 4.4.2 the server takes too long in all
        A: close
    )");
}

TEST_CASE("F22 nor in a transaction, but for the time that its body takes") {
    std::vector<std::string> recipients;
    for (int i = 0; i < 100; ++i) recipients.push_back("u" + std::to_string(i) + "@x.example");
    PlayedServer server;
    server.transact(message_for(recipients));
    server.play(bare_hello);
    server.play("C: MAIL FROM:<a@us.example>");
    int answered = 0;
    while (server.session().deadline() != MonoTime::max() && answered < 50) {
        server.say("250 ok\r\n");
        server.take_output();
        server.pass_time(std::chrono::minutes(4));
        ++answered;
    }
    CHECK(answered == 15);
    CHECK(server.last().why == "the server takes too long in all");
    server.ignore_rest();

    Deadlines deadlines;
    deadlines.round_began({});
    deadlines.wait_for(Phase::end, MonoTime(std::chrono::minutes(59)));
    CHECK(deadlines.next() == MonoTime(std::chrono::minutes(60)));
    deadlines.body_went(std::uint64_t{60} * 1024);
    CHECK(deadlines.next() == MonoTime(std::chrono::minutes(61)));
}

TEST_CASE("a session that is idle has no deadline, and ends with the connection") {
    PlayedServer server;
    server.play(bare_hello);
    server.play("A: idle");
    CHECK(server.session().deadline() == MonoTime::max());
    SECTION("that is closed") {
        server.play(R"(
            X: closed
            A: failed unreachable 4.4.2 the server has left
            A: close
        )");
    }
    SECTION("behind a word about it") {
        server.play(R"(
            S: 421 4.4.2 idle for too long
            A: failed unreachable 4.4.2 unasked: 421 4.4.2 idle for too long
            A: close
        )");
    }
}

TEST_CASE("a server that leaves without a word is not to be reached") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(R"(
        X: closed
        R: unreachable connection lost, no greeting
        R: retry 4.4.2 connection lost, no greeting
        A: failed unreachable *
        A: close
    )");
}

TEST_CASE("QUIT ends by its answer, by anything else, or by the connection") {
    PlayedServer server;
    server.play(bare_hello);
    server.play(R"(
        A: idle
        X: quit
        C: QUIT
    )");
    SECTION("answer") {
        server.play("S: 221 bye");
    }
    SECTION("another") {
        server.play("S: 500 what?");
    }
    SECTION("none") {
        server.play("S: garbage");
    }
    SECTION("connection") {
        server.play("X: closed");
    }
    SECTION("again") {
        server.play("X: quit");
    }
    server.play("A: close");
}

TEST_CASE("a session that is told to quit in a transaction is cut") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(bare_hello);
    server.play(R"(
        C: MAIL FROM:<a@us.example>
        X: quit
        R: usable
        R: retry 4.3.2 the session is ended from here
        A: failed usable *
        A: close
    )");
}

TEST_CASE("a transaction for a session that has ended is answered") {
    PlayedServer server;
    server.play(R"(
        S: 554 no
        C: QUIT
        A: failed unreachable *
    )");
    server.transact(message_for({"b@x.example"}));
    server.play(R"(
        R: unreachable the connection has ended
        R: retry 4.4.2 the connection has ended
        S: 221 bye
        A: close
    )");
}

}  // namespace
}  // namespace holdfast::relay
