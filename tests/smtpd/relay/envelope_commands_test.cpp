#include "smtpd/relay/envelope_commands.h"

#include "tests/catch.h"

namespace holdfast::relay {
namespace {

Extensions everything() {
    Extensions all;
    all.pipelining = all.eight_bit = all.utf8 = all.dsn = all.require_tls = all.size = true;
    return all;
}

Transaction full_transaction() {
    Transaction transaction;
    transaction.sender = "a@us.example";
    transaction.size = 1234;
    transaction.eight_bit = transaction.utf8 = transaction.require_tls = true;
    transaction.ret = Return::headers;
    transaction.envid = "QQ+1=2";
    return transaction;
}

TEST_CASE("MAIL asks for what the message needs and the server offers") {
    CHECK(mail_command(full_transaction(), everything()) ==
          "MAIL FROM:<a@us.example> SIZE=1234 BODY=8BITMIME SMTPUTF8 REQUIRETLS RET=HDRS "
          "ENVID=QQ+2B1+3D2\r\n");
    CHECK(mail_command(full_transaction(), {}) == "MAIL FROM:<a@us.example>\r\n");
    CHECK(mail_command({}, everything()) == "MAIL FROM:<>\r\n");
}

TEST_CASE("RCPT asks for notices where the sender did") {
    const Extensions all = everything();
    CHECK(rcpt_command({"b@x.example", {}, notify_default}, all) == "RCPT TO:<b@x.example>\r\n");
    CHECK(rcpt_command({"b@x.example", "rfc822;B+c@x.example", notify_never}, all) ==
          "RCPT TO:<b@x.example> NOTIFY=NEVER ORCPT=rfc822;B+2Bc@x.example\r\n");
    CHECK(rcpt_command({"b@x.example", {}, notify_success | notify_failure | notify_delay}, all) ==
          "RCPT TO:<b@x.example> NOTIFY=SUCCESS,FAILURE,DELAY\r\n");
    CHECK(rcpt_command({"b@x.example", {}, 0}, all) == "RCPT TO:<b@x.example>\r\n");
    CHECK(rcpt_command({"b@x.example", "rfc822;b@x.example", notify_never}, {}) ==
          "RCPT TO:<b@x.example>\r\n");
}

TEST_CASE("F28 no byte of an envelope id or an original recipient ends a command") {
    const Extensions all = everything();
    for (int byte = 0; byte < 256; ++byte) {
        const auto c = static_cast<char>(byte);
        Transaction transaction = full_transaction();
        transaction.envid = std::string("x") + c + "y";
        const std::string mail = mail_command(transaction, all);
        CHECK(mail.find_first_of("\r\n") == mail.size() - 2);
        const bool word = byte > 0x20 && byte < 0x7f;
        CHECK((mail.find("ENVID") != std::string::npos) == word);

        const std::string rcpt =
            rcpt_command({"b@x.example", std::string("rfc822;x") + c + "y", notify_default}, all);
        CHECK(rcpt.find_first_of("\r\n") == rcpt.size() - 2);
        CHECK((rcpt.find("ORCPT") != std::string::npos) == word);
    }
}

TEST_CASE("an envelope id or original recipient that no server need take is left out") {
    Transaction transaction = full_transaction();
    transaction.envid = std::string(101, 'x');
    CHECK(mail_command(transaction, everything()).find("ENVID") == std::string::npos);
    for (const std::string& original : {std::string("b@x.example"), std::string(";b@x.example"),
                                        std::string("a b;c"), "rfc822;" + std::string(500, 'x')}) {
        CHECK(rcpt_command({"b@x.example", original, notify_default}, everything()) ==
              "RCPT TO:<b@x.example>\r\n");
    }
}

TEST_CASE("F30 no address that holds a control byte or a space is sendable, wherever it stands") {
    for (int byte = 0; byte < 256; ++byte) {
        if (byte > 0x20 && byte != 0x7f) continue;
        const auto c = static_cast<char>(byte);
        for (const std::string& address :
             {std::string("a") + c + "b@x.example", std::string(1, c) + "a@x.example",
              std::string("\"a") + c + "b\"@x.example", std::string("a@x.example") + c,
              std::string("a@x") + c + "y.example", std::string("\"a\\") + c + "b\"@x.example",
              std::string("\xc3\xa9") + c + "@x.example"}) {
            CHECK(sendable(address) == Sendable::malformed);
        }
    }
}

TEST_CASE("sendable addresses are mailboxes, beyond ASCII too") {
    CHECK(sendable("a@x.example") == Sendable::yes);
    CHECK(sendable("\"a>b\"@x.example") == Sendable::yes);
    CHECK(sendable("a@[192.0.2.1]") == Sendable::yes);
    CHECK(sendable("caf\xc3\xa9@x.example") == Sendable::needs_utf8);
    CHECK(sendable("a@\xe4\xbe\x8b.example") == Sendable::needs_utf8);
    for (const char* address :
         {"", "a", "@x", "a@", "a>b@x.example", "a@x.example> SIZE=1", "<a@x.example>",
          "caf\xc3@x.example", "a,b@x.example", "\xff@x.example"}) {
        CHECK(sendable(address) == Sendable::malformed);
    }
    CHECK(sendable(std::string(64, 'a') + "@" + std::string(200, 'b')) == Sendable::malformed);
}

}  // namespace
}  // namespace holdfast::relay
