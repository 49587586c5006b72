// STARTTLS and implicit TLS as the session sees them: what is offered when, and what is forgotten.
#include <algorithm>
#include <string>

#include "smtpd/smtpin/session.h"
#include "tests/catch.h"
#include "tests/smtpd/smtpin/dialogue.h"

namespace holdfast::smtpin {
namespace {

using links::TlsMode;

constexpr std::string_view to_secure = R"(
    C: STARTTLS
    S: 220 2.0.0 Ready to start TLS
    S: handshake
    X: secured
)";

Policy without_tls() {
    Policy policy = test_policy();
    policy.can_start_tls = [] { return false; };
    return policy;
}

template <class Wanted>
std::vector<Wanted> facts_of(const Dialogue& dialogue) {
    std::vector<Wanted> all;
    for (const Fact& fact : dialogue.facts()) {
        if (const auto* wanted = std::get_if<Wanted>(&fact)) all.push_back(*wanted);
    }
    return all;
}

TEST_CASE("mail under STARTTLS says so in its Received field and in the log") {
    Dialogue dialogue(test_policy(), TlsMode::starttls);
    dialogue.play(hello_with_tls);
    dialogue.play(to_secure);
    dialogue.play(R"(
        C: EHLO inside.example
        S: 250-mx.example
        S: 250-PIPELINING
        S: 250-SIZE 1000
        S: 250-8BITMIME
        S: 250 ENHANCEDSTATUSCODES
    )");
    dialogue.play(transaction);
    CHECK(
        dialogue.body().starts_with("Received: from inside.example ([192.0.2.1])\n"
                                    "\tby mx.example (Holdfast) with ESMTPS id " +
                                    std::string(test_id) + "\n\t(TLSv1.3 TLS_TEST)\n\tfor <"));
    dialogue.play("C: QUIT\nS: 221 *\nS: closed");
    REQUIRE(facts_of<Ended>(dialogue).size() == 1);
    CHECK(facts_of<Ended>(dialogue)[0].tls == "TLSv1.3 TLS_TEST");
}

TEST_CASE("with HELO under TLS the protocol is SMTP, and the cipher is named all the same") {
    Dialogue dialogue(test_policy(), TlsMode::starttls);
    dialogue.play(hello_with_tls);
    dialogue.play(to_secure);
    dialogue.play("C: HELO c.example\nS: 250 mx.example");
    dialogue.play(transaction);
    CHECK(dialogue.body().find("(Holdfast) with SMTP id ") != std::string::npos);
    CHECK(dialogue.body().find("(TLSv1.3 TLS_TEST)") != std::string::npos);
}

TEST_CASE("what was said before the handshake is forgotten") {
    Dialogue dialogue(test_policy(), TlsMode::starttls);
    dialogue.play(hello_with_tls);
    dialogue.play(to_secure);
    dialogue.play(R"(
        C: MAIL FROM:<a@client.example>
        S: 503 5.5.1 say EHLO or HELO first
    )");
}

TEST_CASE("F17 what is pipelined behind STARTTLS is thrown away, counted and never run") {
    Dialogue dialogue(test_policy(), TlsMode::starttls);
    dialogue.play(hello_with_tls);
    dialogue.play(R"(
        C| STARTTLS
        C: EHLO evil.example
        S: 220 2.0.0 Ready to start TLS
        S: handshake
        X: secured
        S: nothing
        C: MAIL FROM:<a@client.example>
        S: 503 5.5.1 say EHLO or HELO first
    )");
    REQUIRE(facts_of<Injected>(dialogue).size() == 1);
    CHECK(facts_of<Injected>(dialogue)[0].bytes == 19);
}

TEST_CASE("F17 half a command behind STARTTLS does not become the beginning of the next one") {
    Dialogue dialogue(test_policy(), TlsMode::starttls);
    dialogue.play(hello_with_tls);
    dialogue.play(R"(
        C~ STARTTLS\r\nEHLO evil.example
        S: 220 2.0.0 Ready to start TLS
        S: handshake
        X: secured
        C: NOOP
        S: 250 2.0.0 Ok
    )");
}

TEST_CASE("STARTTLS is refused where it makes no sense") {
    Dialogue dialogue(test_policy(), TlsMode::starttls);
    dialogue.play(hello_with_tls);
    dialogue.play(R"(
        C: STARTTLS now
        S: 501 5.5.4 STARTTLS takes no argument
        C: MAIL FROM:<a@client.example>
        S: 250 2.1.0 Ok
        C: STARTTLS
        S: 503 5.5.1 a transaction is open
        C: RSET
        S: 250 *
    )");
    dialogue.play(to_secure);
    dialogue.play(R"(
        C: STARTTLS
        S: 503 5.5.1 TLS is in use already
    )");
}

TEST_CASE("a listener without TLS offers none") {
    Dialogue dialogue;
    dialogue.play(hello);
    dialogue.play(R"(
        C: STARTTLS
        S: 502 5.5.1 command not offered
    )");
}

TEST_CASE("where no handshake could succeed TLS is not offered, and answered with 454") {
    Dialogue dialogue(without_tls(), TlsMode::starttls);
    dialogue.play(hello);
    dialogue.play(R"(
        C: STARTTLS
        S: 454 4.7.0 TLS is not available now
        C: NOOP
        S: 250 *
    )");
}

TEST_CASE("with implicit TLS the greeting comes behind the handshake") {
    Dialogue dialogue(test_policy(), TlsMode::implicit);
    dialogue.play(std::string("S: handshake\nX: secured\n").append(hello));
    dialogue.play("C: STARTTLS\nS: 503 5.5.1 TLS is in use already");
    dialogue.play(transaction);
    CHECK(dialogue.body().find("with ESMTPS id ") != std::string::npos);
}

TEST_CASE("a handshake that fails ends the session with its reason") {
    Dialogue dialogue(test_policy(), TlsMode::starttls);
    dialogue.play(hello_with_tls);
    dialogue.play("C: STARTTLS\nS: 220 *\nS: handshake\nX: insecure no common cipher\nS: closed");
    REQUIRE(facts_of<HandshakeFailed>(dialogue).size() == 1);
    CHECK(facts_of<HandshakeFailed>(dialogue)[0].why == "no common cipher");
    CHECK(facts_of<HandshakeFailed>(dialogue)[0].helo == "client.example");
    CHECK(facts_of<Ended>(dialogue).at(0).reason == Reason::no_tls);
}

TEST_CASE("F22 a handshake has a minute, however many bytes come") {
    for (const TlsMode mode : {TlsMode::starttls, TlsMode::implicit}) {
        Dialogue dialogue(test_policy(), mode);
        if (mode == TlsMode::starttls) {
            dialogue.play(hello_with_tls);
            dialogue.play("C: STARTTLS\nS: 220 *\nS: handshake");
        } else {
            dialogue.play("S: handshake");
        }
        dialogue.play("T: 59\nS: nothing\nT: 1\nS: closed");
        CHECK(facts_of<HandshakeFailed>(dialogue).at(0).why == "the client took too long");
    }
}

TEST_CASE("a drain lets a handshake end, and then says why the session does") {
    Dialogue dialogue(test_policy(), TlsMode::implicit);
    dialogue.play(R"(
        S: handshake
        X: drain
        T: 4
        X: secured
        S: 421 4.3.2 mx.example is restarting; connect again
        S: closed
    )");
}

TEST_CASE("a drain does not wait for a handshake that nobody goes on with") {
    Dialogue dialogue(test_policy(), TlsMode::implicit);
    dialogue.play("S: handshake\nX: drain\nT: 4\nS: nothing\nT: 1\nS: closed");
    CHECK(facts_of<HandshakeFailed>(dialogue).at(0).why ==
          "restarting, and the client was too slow");
}

TEST_CASE("a drain with patience leaves a handshake its minute") {
    Dialogue dialogue(test_policy(), TlsMode::implicit);
    dialogue.play("S: handshake\nX: drain 300\nT: 59\nS: nothing\nX: secured\nS: 220 *");
    dialogue.play("T: 240\nS: nothing\nT: 1\nS: 421 4.3.2 *\nS: closed");
}

TEST_CASE("who holds a place with half a handshake can be displaced") {
    Dialogue dialogue(test_policy(), TlsMode::implicit);
    dialogue.play("S: handshake");
    CHECK(dialogue.session().displaceable_at() == dialogue.now().mono + idle_before_displaced);
}

TEST_CASE("no input is taken while a handshake is under way") {
    Dialogue dialogue(test_policy(), TlsMode::starttls);
    dialogue.play(hello_with_tls);
    dialogue.play("C: STARTTLS\nS: 220 *\nS: handshake");
    CHECK_FALSE(dialogue.session().takes_input());
    CHECK(dialogue.session().on_input("NOOP\r\n", dialogue.now()).used == 0);
}

}  // namespace
}  // namespace holdfast::smtpin
