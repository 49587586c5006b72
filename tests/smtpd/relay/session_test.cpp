// Messages that a server takes, and what each recipient is told.
#include "tests/catch.h"
#include "tests/smtpd/relay/played_server.h"

namespace holdfast::relay {
namespace {

TEST_CASE("a message goes to a server that offers nothing, one command after the other") {
    PlayedServer server;
    server.play(bare_hello);
    server.play("A: idle");
    server.transact(message_for({"b@x.example", "c@x.example"}));
    server.play(R"(
        C: MAIL FROM:<a@us.example>
        C: nothing
        S: 250 ok
        C: RCPT TO:<b@x.example>
        S: 250 ok
        C: RCPT TO:<c@x.example>
        S: 251 will forward
        C: DATA
        S: 354 go on
        A: body dotted 7bit
        B: Subject: x
        C: Subject: x
        B: end
        A: final dot
        C: .
        S: 250 2.0.0 queued as 17
        R: usable
        R: delivered 2.0.0 end of data: 250 2.0.0 queued as 17
        R: delivered 2.0.0 end of data: 250 2.0.0 queued as 17
        A: idle
        X: quit
        C: QUIT
        S: 221 bye
        A: close
    )");
    CHECK_FALSE(server.last().recipients[0].dsn_passed);
}

TEST_CASE("with PIPELINING the envelope goes out at once") {
    PlayedServer server;
    server.transact(message_for({"b@x.example", "c@x.example"}));
    server.play(pipelining_hello);
    server.play(R"(
        C: MAIL FROM:<a@us.example>
        C: RCPT TO:<b@x.example>
        C: RCPT TO:<c@x.example>
        C: DATA
        S| 250 2.1.0 ok
        S: 250 2.1.5 ok
        C: nothing
        S| 250 2.1.5 ok
        S: 354 go on
        A: body dotted 8bit
        B: x
        C: x
        B: end
        A: final dot
        C: .
        S: 250 2.0.0 ok
        R: usable
        R: delivered 2.0.0 end of data: 250 2.0.0 ok
        R: delivered 2.0.0 end of data: 250 2.0.0 ok
        A: idle
    )");
}

TEST_CASE("with CHUNKING the body follows the answers to the envelope in chunks") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(chunking_hello);
    server.play(R"(
        C: MAIL FROM:<a@us.example>
        C: RCPT TO:<b@x.example>
        S: 250 2.1.0 ok
        S: 250 2.1.5 ok
        A: body chunked 7bit
        B: one
        C: BDAT 5
        C: one
        B: two
        C: BDAT 5
        C: two
        S: 250 2.0.0 5 bytes
        B: end
        A: final dot
        C: BDAT 0 LAST
        S: 250 2.0.0 5 bytes
        C: nothing
        S: 250 2.0.0 queued
        R: usable
        R: delivered 2.0.0 end of data: 250 2.0.0 queued
        A: idle
    )");
}

TEST_CASE("chunks go one by one to a server without PIPELINING, and never too many ahead") {
    PlayedServer server;
    server.transact(message_for({"b@x.example"}));
    server.play(R"(
        S: 220 mx.example
        C: EHLO us.example
        S| 250-mx.example
        S: 250 CHUNKING
        C: MAIL FROM:<a@us.example>
        S: 250 ok
        C: RCPT TO:<b@x.example>
        S: 250 ok
        A: body chunked 7bit
        B: one
        C: BDAT 5
        C: one
    )");
    CHECK_FALSE(server.session().takes_body());
    server.play("S: 250 ok");
    CHECK(server.session().takes_body());

    PlayedServer quick;
    quick.transact(message_for({"b@x.example"}));
    quick.play(chunking_hello);
    quick.play(R"(
        C: MAIL FROM:<a@us.example>
        C: RCPT TO:<b@x.example>
        S| 250 ok
        S: 250 ok
        A: body chunked 7bit
    )");
    unsigned chunks = 0;
    while (quick.session().takes_body() && chunks < 100) {
        ++chunks;
        quick.give_body("BDAT 1\r\nx", chunks);
    }
    CHECK(chunks == 16);
    quick.ignore_rest();
}

TEST_CASE("one connection serves any number of transactions") {
    PlayedServer server;
    server.play(pipelining_hello);
    server.play("A: idle");
    for (int i = 0; i < 3; ++i) {
        CHECK(server.session().idle());
        server.transact(message_for({"b@x.example"}));
        CHECK_FALSE(server.session().idle());
        server.play(R"(
            C: MAIL FROM:<a@us.example>
            C: RCPT TO:<b@x.example>
            C: DATA
            S| 250 ok
            S| 250 ok
            S: 354 go on
            A: body dotted 8bit
            B: x
            C: x
            B: end
            A: final dot
            C: .
            S: 250 ok
            R: usable
            R: delivered 2.0.0 end of data: 250 ok
            A: idle
        )");
        CHECK(server.session().deadline() == MonoTime::max());
    }
}

TEST_CASE("a message that fits is announced with its size, and one that does not is not sent") {
    PlayedServer server;
    server.play(R"(
        S: 220 mx.example
        C: EHLO us.example
        S| 250-mx.example
        S: 250 SIZE 100
        A: idle
    )");
    Transaction large = message_for({"b@x.example", "c@x.example"});
    large.size = 101;
    server.transact(std::move(large));
    server.play(R"(
        R: usable
        R: refused 5.3.4 message of 101 bytes is larger than the 100 bytes that the server takes
        R: refused 5.3.4 message of 101 bytes is larger than the 100 bytes that the server takes
        A: idle
    )");
    server.transact(message_for({"b@x.example"}));
    server.play("C: MAIL FROM:<a@us.example> SIZE=100");
}

TEST_CASE("notices are asked for where the server offers them, and it is known that it does") {
    PlayedServer server;
    server.play(R"(
        S: 220 mx.example
        C: EHLO us.example
        S| 250-mx.example
        S| 250-PIPELINING
        S: 250 DSN
        A: idle
    )");
    Transaction transaction = message_for({"b@x.example", "c@x.example"});
    transaction.ret = Return::full;
    transaction.envid = "id";
    transaction.recipients[0].notify = notify_success;
    transaction.recipients[0].original = "rfc822;o@x.example";
    server.transact(std::move(transaction));
    server.play(R"(
        C: MAIL FROM:<a@us.example> RET=FULL ENVID=id
        C: RCPT TO:<b@x.example> NOTIFY=SUCCESS ORCPT=rfc822;o@x.example
        C: RCPT TO:<c@x.example>
        C: DATA
        S| 250 ok
        S| 250 ok
        S| 550 no
        S: 354 go on
        A: body dotted 7bit
        B: end
        A: final dot
        C: .
        S: 250 ok
        R: usable
        R: delivered 2.0.0 end of data: 250 ok
        R: refused 5.0.0 RCPT: 550 no
        A: idle
    )");
    CHECK(server.last().recipients[0].dsn_passed);
    CHECK_FALSE(server.last().recipients[1].dsn_passed);
}

TEST_CASE("SMTPUTF8 goes only where it is offered") {
    PlayedServer without;
    without.play(bare_hello);
    without.play("A: idle");
    Transaction utf8 = message_for({"caf\xc3\xa9@x.example"});
    utf8.utf8 = utf8.eight_bit = true;
    without.transact(utf8);
    without.play(R"(
        R: usable
        R: refused 5.6.7 SMTPUTF8 is not offered by the server
        A: idle
    )");

    PlayedServer with;
    with.play(R"(
        S: 220 mx.example
        C: EHLO us.example
        S| 250-mx.example
        S: 250 SMTPUTF8
        A: idle
    )");
    with.transact(utf8);
    with.play("C: MAIL FROM:<a@us.example> BODY=8BITMIME SMTPUTF8");

    PlayedServer undeclared;
    undeclared.play(pipelining_hello);
    undeclared.play("A: idle");
    undeclared.transact(message_for({"caf\xc3\xa9@x.example", "b@x.example"}));
    undeclared.play(R"(
        C: MAIL FROM:<a@us.example>
        C: RCPT TO:<b@x.example>
        C: DATA
        S| 550 5.7.1 no
        S| 503 no
        S: 503 no
        R: usable
        R: refused 5.6.7 needs SMTPUTF8: *
        R: refused 5.7.1 MAIL: 550 5.7.1 no
        A: idle
    )");
}

TEST_CASE("F30 an address that could end a command is refused and the others are served") {
    PlayedServer server;
    server.play(pipelining_hello);
    server.play("A: idle");
    server.transact(
        message_for({"b@x.example>\r\nRCPT TO:<c@x.example", "d e@x.example", "f@x.example"}));
    server.play(R"(
        C: MAIL FROM:<a@us.example>
        C: RCPT TO:<f@x.example>
        C: DATA
        S| 250 ok
        S| 250 ok
        S: 354 go on
        A: body dotted 8bit
        B: end
        A: final dot
        C: .
        S: 250 ok
        R: usable
        R: refused 5.1.3 no address that can be sent: <b@x.example>\r\nRCPT TO:<c@x.example>
        R: refused 5.1.3 no address that can be sent: <d e@x.example>
        R: delivered 2.0.0 end of data: 250 ok
        A: idle
    )");
    Transaction forged = message_for({"b@x.example"});
    forged.sender = "a@us.example>\r\nDATA\r\n";
    server.transact(std::move(forged));
    server.play(R"(
        R: usable
        R: refused 5.1.7 no address that can be sent: *
        A: idle
    )");
}

}  // namespace
}  // namespace holdfast::relay
