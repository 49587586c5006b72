// Logins within a session: when, and what their failure says of the way.
#include "tests/catch.h"
#include "tests/smtpd/relay/played_server.h"

namespace holdfast::relay {
namespace {

SessionPlan plan_with_login(links::RelayTls tls) {
    SessionPlan plan = test_plan();
    plan.tls = tls;
    plan.credentials = {"user", "pencil", SecretKind::password};
    return plan;
}

constexpr std::string_view under_tls = R"(
    S: 220 mx.example
    C: EHLO us.example
    S| 250-mx.example
    S: 250 STARTTLS
    C: STARTTLS
    S: 220 go on
    A: handshake
    X: verified
    C: EHLO us.example
    S| 250-mx.example
    S: 250 AUTH PLAIN LOGIN
    C: AUTH PLAIN AHVzZXIAcGVuY2ls
)";

TEST_CASE("the login comes under TLS and before the first transaction") {
    PlayedServer server(plan_with_login(links::RelayTls::required));
    server.transact(message_for({"b@x.example"}));
    server.play(under_tls);
    server.play(R"(
        S: 235 2.7.0 welcome
        C: MAIL FROM:<a@us.example>
    )");
}

TEST_CASE("a login by LOGIN goes step by step") {
    PlayedServer server(plan_with_login(links::RelayTls::none));
    server.play(R"(
        S: 220 mx.example
        C: EHLO us.example
        S| 250-mx.example
        S: 250 AUTH=LOGIN
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: dXNlcg==
        S: 334 UGFzc3dvcmQ6
        C: cGVuY2ls
        S: 235 welcome
        A: idle
    )");
}

TEST_CASE("a login that is refused shows that our configuration is at fault") {
    const auto* code = GENERATE("535 5.7.8 bad password", "534 5.7.9 too weak",
                                "538 5.7.11 encryption required", "530 5.7.0 x");
    PlayedServer server(plan_with_login(links::RelayTls::required));
    server.transact(message_for({"b@x.example"}));
    server.play(under_tls);
    server.say(std::string(code) + "\r\n");
    CHECK(server.last().why == "AUTH PLAIN: " + std::string(code));
    server.play(R"(
        C: QUIT
        R: broken *
        R: retry 4.7.8 *
        A: failed broken 4.7.8 *
        S: 221 bye
        A: close
    )");
}

TEST_CASE("a login that the server cannot check now is no fault of ours") {
    PlayedServer server(plan_with_login(links::RelayTls::required));
    server.play(under_tls);
    server.play(R"(
        S: 454 4.7.0 directory down
        C: QUIT
        A: failed unreachable 4.7.0 AUTH: 454 4.7.0 directory down
        S: 221 bye
        A: close
    )");
}

TEST_CASE("without a login that both know nothing is sent") {
    PlayedServer server(plan_with_login(links::RelayTls::none));
    SECTION("none is offered") {
        server.play(bare_hello);
        server.play(R"(
            C: QUIT
            A: failed broken 4.7.0 the server offers no login (AUTH)
        )");
    }
    SECTION("others are") {
        server.play(R"(
            S: 220 mx.example
            C: EHLO us.example
            S| 250-mx.example
            S: 250 AUTH GSSAPI
            C: QUIT
            A: failed broken 4.7.0 the server offers no login that Holdfast knows (but GSSAPI)
        )");
    }
    server.play(R"(
        S: 221 bye
        A: close
    )");
}

TEST_CASE("F18 the secret is not sent in clear because TLS was stripped from the offer") {
    PlayedServer server(plan_with_login(links::RelayTls::opportunistic));
    SECTION("in clear it would be") {
        server.play(R"(
            S: 220 mx.example
            C: EHLO us.example
            S| 250-mx.example
            S: 250 AUTH PLAIN LOGIN XOAUTH2
            C: QUIT
            A: failed broken 4.7.0 the login would send the secret without TLS (*
            S: 221 bye
            A: close
        )");
    }
    SECTION("a mechanism that keeps it may be used") {
        server.play(R"(
            S: 220 mx.example
            C: EHLO us.example
            S| 250-mx.example
            S: 250 AUTH PLAIN CRAM-MD5
            C: AUTH CRAM-MD5
        )");
    }
}

TEST_CASE("a challenge that makes no sense is not answered by QUIT") {
    PlayedServer server(plan_with_login(links::RelayTls::none));
    server.play(R"(
        S: 220 mx.example
        C: EHLO us.example
        S| 250-mx.example
        S: 250 AUTH SCRAM-SHA-256
        C: AUTH SCRAM-SHA-256 *
        S: 334 bm9uc2Vuc2U=
        A: failed broken 4.7.8 the server's first message of SCRAM is malformed
        A: close
    )");
}

TEST_CASE("the leave to send a body is no answer to a login") {
    PlayedServer server(plan_with_login(links::RelayTls::required));
    server.play(under_tls);
    server.play(R"(
        S: 354 go on
        A: failed unreachable 4.5.0 not an answer that makes sense, AUTH: 354 go on
        A: close
    )");
}

TEST_CASE("a success that the server has not earned is none") {
    PlayedServer server(plan_with_login(links::RelayTls::none));
    server.transact(message_for({"b@x.example"}));
    server.play(R"(
        S: 220 mx.example
        C: EHLO us.example
        S| 250-mx.example
        S: 250 AUTH SCRAM-SHA-256
        C: AUTH SCRAM-SHA-256 *
        S: 235 welcome, whoever you are
        C: QUIT
        R: broken the server has not proved that it knows the password
        R: retry 4.7.8 *
        A: failed broken *
        S: 221 bye
        A: close
    )");
}

}  // namespace
}  // namespace holdfast::relay
