// LMTP (RFC 2033): LHLO, and an answer for each recipient.
#include "tests/catch.h"
#include "tests/smtpd/relay/played_server.h"

namespace holdfast::relay {
namespace {

SessionPlan lmtp_plan() {
    SessionPlan plan = test_plan();
    plan.protocol = links::RelayProtocol::lmtp;
    plan.tls = links::RelayTls::none;
    return plan;
}

constexpr std::string_view lmtp_hello = R"(
    S: 220 mx.example LMTP
    C: LHLO us.example
    S| 250-mx.example
    S| 250-PIPELINING
    S| 250-CHUNKING
    S: 250 8BITMIME
)";

constexpr std::string_view three_recipients = R"(
    C: MAIL FROM:<a@us.example>
    C: RCPT TO:<b@x.example>
    C: RCPT TO:<c@x.example>
    C: RCPT TO:<d@x.example>
    C: DATA
    S| 250 ok
    S| 250 ok
    S| 550 5.1.1 no
    S| 250 ok
    S: 354 go on
    A: body dotted 8bit
    B: end
    A: final dot
    C: .
)";

TEST_CASE("each recipient that was taken has its own answer to the end of the message") {
    PlayedServer server(lmtp_plan());
    server.transact(message_for({"b@x.example", "c@x.example", "d@x.example"}));
    server.play(lmtp_hello);
    server.play(three_recipients);
    server.play(R"(
        S: 250 2.1.5 stored
        C: nothing
        S: 452 4.2.2 full
        R: usable
        R: delivered 2.1.5 end of data: 250 2.1.5 stored
        R: refused 5.1.1 RCPT: 550 5.1.1 no
        R: retry 4.2.2 end of data: 452 4.2.2 full
        A: idle
    )");
}

TEST_CASE("a connection that ends between the answers leaves the others open") {
    PlayedServer server(lmtp_plan());
    server.transact(message_for({"b@x.example", "c@x.example", "d@x.example"}));
    server.play(lmtp_hello);
    server.play(three_recipients);
    SECTION("by itself") {
        server.play(R"(
            S: 250 2.1.5 stored
            X: closed
            R: unreachable uncertain connection lost, no answer to the end of data
            R: delivered 2.1.5 end of data: 250 2.1.5 stored
            R: refused 5.1.1 RCPT: 550 5.1.1 no
            R: retry 4.4.2 connection lost, no answer to the end of data
            A: failed unreachable *
            A: close
        )");
    }
    SECTION("by 421, which is the answer for one") {
        server.play(R"(
            S: 421 4.3.2 closing
            R: unreachable uncertain end of data: 421 4.3.2 closing
            R: retry 4.3.2 end of data: 421 4.3.2 closing
            R: refused 5.1.1 RCPT: 550 5.1.1 no
            R: retry 4.3.2 end of data: 421 4.3.2 closing
            A: failed unreachable *
            A: close
        )");
    }
}

TEST_CASE("a server of LMTP that lets a message be sent to nobody is left") {
    PlayedServer server(lmtp_plan());
    server.transact(message_for({"b@x.example"}));
    server.play(lmtp_hello);
    server.play(R"(
        C: MAIL FROM:<a@us.example>
        C: RCPT TO:<b@x.example>
        C: DATA
        S| 250 ok
        S| 550 5.1.1 no
        S: 354 go on
        R: usable
        R: refused 5.1.1 RCPT: 550 5.1.1 no
        A: failed unreachable 4.5.0 not an answer that makes sense, DATA: 354 go on
        A: close
    )");
}

TEST_CASE("a server that does not know LHLO is not asked by HELO") {
    PlayedServer server(lmtp_plan());
    server.play(R"(
        S: 220 mx.example ESMTP
        C: LHLO us.example
        S: 500 what?
        C: QUIT
        A: failed unreachable 4.3.2 LHLO: 500 what?
        S: 221 bye
        A: close
    )");
}

}  // namespace
}  // namespace holdfast::relay
