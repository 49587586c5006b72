// TLS from the client's side: when it begins, what may come in plain, and what goes without it.
#include "tests/catch.h"
#include "tests/smtpd/relay/played_server.h"

namespace holdfast::relay {
namespace {

constexpr std::string_view to_starttls = R"(
    S: 220 mx.example
    C: EHLO us.example
    S| 250-mx.example
    S| 250-PIPELINING
    S: 250 STARTTLS
    C: STARTTLS
)";

SessionPlan plan_with(links::RelayTls tls) {
    SessionPlan plan = test_plan();
    plan.tls = tls;
    return plan;
}

Transaction require_tls() {
    Transaction transaction = message_for({"b@x.example"});
    transaction.require_tls = true;
    return transaction;
}

TEST_CASE("TLS is used where it is offered, and what was offered before it is forgotten") {
    PlayedServer server(
        plan_with(GENERATE(links::RelayTls::opportunistic, links::RelayTls::required)));
    server.transact(message_for({"b@x.example"}));
    server.play(to_starttls);
    server.play(R"(
        S: 220 go on
        A: handshake
        X: verified
        C: EHLO us.example
        S: 250 mx.example
        C: MAIL FROM:<a@us.example>
        C: nothing
    )");
    CHECK_FALSE(server.session().extensions().pipelining);
}

TEST_CASE("what was offered in plain does not hold under TLS behind HELO either") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(to_starttls);
    server.play(R"(
        S: 220 go on
        A: handshake
        X: secured
        C: EHLO us.example
        S: 502 what?
        C: HELO us.example
        S: 250 mx.example
        C: MAIL FROM:<a@us.example>
        C: nothing
    )");
    CHECK_FALSE(server.session().extensions().starttls);
}

TEST_CASE("STARTTLS that is offered again under TLS is not taken") {
    PlayedServer server;
    server.play(to_starttls);
    server.play(R"(
        S: 220 go on
        A: handshake
        X: secured
        C: EHLO us.example
        S| 250-mx.example
        S: 250 STARTTLS
        A: idle
    )");
}

TEST_CASE("with `tls none` no handshake is begun") {
    PlayedServer server(plan_with(links::RelayTls::none));
    server.play(R"(
        S: 220 mx.example
        C: EHLO us.example
        S| 250-mx.example
        S: 250 STARTTLS
        A: idle
    )");
}

TEST_CASE("where TLS begins with the connection the greeting comes under it") {
    SessionPlan plan = plan_with(links::RelayTls::required);
    plan.implicit_tls = true;
    PlayedServer server(plan);
    server.play(R"(
        A: handshake
        X: verified
        C: nothing
        S: 220 mx.example
        C: EHLO us.example
        S: 250 mx.example
        A: idle
    )");
}

TEST_CASE("a server that offers TLS and refuses STARTTLS gets the mail in plain") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(to_starttls);
    server.play(R"(
        S: 454 4.7.0 not now
        C: MAIL FROM:<a@us.example>
        C: RCPT TO:<b@x.example>
        C: DATA
    )");
}

TEST_CASE("a handshake that fails ends the session, and plain may do on another connection") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(to_starttls);
    server.play(R"(
        S: 220 go on
        A: handshake
    )");
    SECTION("by what TLS says") {
        server.play(R"(
            X: insecure no shared cipher
            R: unreachable the TLS handshake failed (no shared cipher)
            R: retry 4.7.5 the TLS handshake failed (no shared cipher)
            A: failed unreachable 4.7.5 the TLS handshake failed (no shared cipher)
        )");
    }
    SECTION("by the end of the connection") {
        server.play(R"(
            X: closed reset by peer
            R: unreachable the connection ended in the TLS handshake (reset by peer)
            R: retry 4.7.5 *
            A: failed unreachable *
        )");
    }
    SECTION("by taking too long") {
        server.play(R"(
            T: 59
            T: 1
            R: unreachable no end to the TLS handshake within 1m
            R: retry 4.7.5 *
            A: failed unreachable *
        )");
    }
    server.play(R"(
        A: plain may help
        A: close
    )");
}

TEST_CASE("F18 where TLS is required nothing is said in plain but what asks for it") {
    PlayedServer server(plan_with(links::RelayTls::required));
    server.transact(message_for({"b@x.example"}));
    SECTION("it is not offered") {
        server.play(R"(
            S: 220 mx.example
            C: EHLO us.example
            S: 250 mx.example
            C: QUIT
            R: broken the server does not offer STARTTLS
            R: retry 4.7.0 the server does not offer STARTTLS
            A: failed broken 4.7.0 the server does not offer STARTTLS
            S: 221 bye
            A: close
        )");
    }
    SECTION("it is refused") {
        server.play(to_starttls);
        server.play(R"(
            S: 454 4.7.0 not now
            C: QUIT
            R: broken STARTTLS: 454 4.7.0 not now
            R: retry 4.7.0 *
            A: failed broken *
            S: 221 bye
            A: close
        )");
    }
    SECTION("EHLO is refused") {
        server.play(R"(
            S: 220 mx.example
            C: EHLO us.example
            S: 502 what?
            C: QUIT
            R: broken EHLO: 502 what?
            R: retry 4.7.0 *
            A: failed broken *
            S: 221 bye
            A: close
        )");
    }
    SECTION("the handshake fails") {
        server.play(to_starttls);
        server.play(R"(
            S: 220 go on
            A: handshake
            X: insecure certificate verify failed
            R: broken the TLS handshake failed (certificate verify failed)
            R: retry 4.7.5 *
            A: failed broken *
            A: close
        )");
    }
    SECTION("the certificate is not trusted") {
        server.play(to_starttls);
        server.play(R"(
            S: 220 go on
            A: handshake
            X: secured
            R: broken the server's certificate is not trusted
            R: retry 4.7.5 *
            A: failed broken *
            A: close
        )");
    }
    SECTION("the connection ends in the handshake") {
        server.play(to_starttls);
        server.play(R"(
            S: 220 go on
            A: handshake
            X: closed
            R: unreachable the connection ended in the TLS handshake
            R: retry 4.7.5 *
            A: failed unreachable *
            A: close
        )");
    }
}

TEST_CASE("F18 implicit TLS that fails is never followed by plain") {
    SessionPlan plan = plan_with(links::RelayTls::opportunistic);
    plan.implicit_tls = true;
    PlayedServer server(plan);
    server.play(R"(
        A: handshake
        X: insecure no
        A: failed unreachable 4.7.5 *
        A: close
    )");
}

TEST_CASE("F17 what a server says in plain behind its leave to start TLS is not heard under TLS") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(to_starttls);
    SECTION("with the leave") {
        server.play(R"(
            S| 220 go on
            S: 250 mx.example
        )");
    }
    SECTION("with the leave, in part") {
        server.play(R"(
            S~ 220 go on\r\n2
        )");
    }
    SECTION("before the handshake begins") {
        server.play(R"(
            S: 220 go on
            A: handshake
            S: 250 mx.example
        )");
    }
    server.play(R"(
        R: unreachable bytes in plain behind the leave to start TLS
        R: retry 4.5.0 *
        A: failed unreachable 4.5.0 *
        A: close
    )");
}

TEST_CASE("F17 nor what the stream threw away before the handshake") {
    PlayedServer server;
    server.play(to_starttls);
    server.play(R"(
        S: 220 go on
        A: handshake
    )");
    const Actions actions = server.session().on_secured({Trust::verified, 14}, {});
    CHECK(actions.close);
    CHECK(actions.bytes == "");
    REQUIRE(actions.failure);
    CHECK(actions.failure->why == "bytes in plain behind the leave to start TLS");
    CHECK_FALSE(actions.plain_may_help);
}

TEST_CASE("REQUIRETLS needs a certificate that is verified, and a server that offers it") {
    PlayedServer server;
    server.play(to_starttls);
    SECTION("both") {
        server.play(R"(
            S: 220 go on
            A: handshake
            X: verified
            C: EHLO us.example
            S| 250-mx.example
            S: 250 REQUIRETLS
            A: idle
        )");
        server.transact(require_tls());
        server.play("C: MAIL FROM:<a@us.example> REQUIRETLS");
    }
    SECTION("a certificate alone") {
        server.play(R"(
            S: 220 go on
            A: handshake
            X: verified
            C: EHLO us.example
            S: 250 mx.example
            A: idle
        )");
        server.transact(require_tls());
        server.play(R"(
            R: usable
            R: refused 5.7.30 REQUIRETLS is not offered by the server
            A: idle
        )");
    }
    SECTION("an offer alone") {
        server.play(R"(
            S: 220 go on
            A: handshake
            X: secured
            C: EHLO us.example
            S| 250-mx.example
            S: 250 REQUIRETLS
            A: idle
        )");
        server.transact(require_tls());
        server.play(R"(
            R: usable
            R: refused 5.7.30 REQUIRETLS: there is no verified TLS connection to the server
            A: idle
        )");
    }
}

TEST_CASE("a message that requires TLS is not tried in plain where the handshake fails") {
    PlayedServer server;
    server.transact(require_tls());
    server.play(to_starttls);
    server.play(R"(
        S: 220 go on
        A: handshake
        X: insecure no
        R: unreachable *
        R: retry 4.7.5 *
        A: failed unreachable *
        A: close
    )");
}

}  // namespace
}  // namespace holdfast::relay
