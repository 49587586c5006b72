#include "smtpd/relay/extensions.h"

#include "tests/catch.h"

namespace holdfast::relay {
namespace {

Extensions offered(std::vector<std::string> lines) {
    lines.insert(lines.begin(), "mx.example greets you");
    return read_extensions({250, std::move(lines)});
}

TEST_CASE("what a server offers is read in any case and order") {
    const Extensions all =
        offered({"pipelining", "SIZE 50000000", "8BITMIME", "Chunking", "SMTPUTF8", "DSN",
                 "STARTTLS", "ENHANCEDSTATUSCODES", "REQUIRETLS", "AUTH PLAIN login"});
    CHECK(all.pipelining);
    CHECK(all.size);
    CHECK(all.size_limit == 50000000);
    CHECK(all.eight_bit);
    CHECK(all.chunking);
    CHECK(all.utf8);
    CHECK(all.dsn);
    CHECK(all.starttls);
    CHECK(all.enhanced_codes);
    CHECK(all.require_tls);
    CHECK(all.auth == std::vector<std::string>{"PLAIN", "LOGIN"});
}

TEST_CASE("nothing is offered by the greeting, by words that look alike, or by HELO") {
    const Extensions none = read_extensions({250, {"PIPELINING"}});
    CHECK_FALSE(none.pipelining);
    const Extensions others = offered({"XPIPELINING", "8BITMIMEX", "", "   ", "\t", "STARTTLS=x"});
    CHECK_FALSE(others.pipelining);
    CHECK_FALSE(others.eight_bit);
    CHECK_FALSE(others.starttls);
    CHECK_FALSE(read_extensions({}).size);
}

TEST_CASE("a size that is no number limits nothing") {
    CHECK(offered({"SIZE"}).size);
    for (const char* line :
         {"SIZE", "SIZE 0", "SIZE x", "SIZE -1", "SIZE 10x", "SIZE 99999999999999999999999"}) {
        CHECK(offered({line}).size_limit == 0);
    }
    CHECK(offered({"SIZE\t7 8"}).size_limit == 7);
}

TEST_CASE("the old form of AUTH counts too, and no mechanism twice") {
    CHECK(offered({"AUTH LOGIN PLAIN", "AUTH=LOGIN CRAM-MD5"}).auth ==
          std::vector<std::string>{"LOGIN", "PLAIN", "CRAM-MD5"});
    CHECK(offered({"AUTH=PLAIN"}).auth == std::vector<std::string>{"PLAIN"});
    CHECK(offered({"AUTH"}).auth.empty());
    CHECK(offered({"AUTH= "}).auth.empty());
}

TEST_CASE("F24 of mechanisms no more than a few are kept, and none that has no name") {
    std::string line = "AUTH";
    for (int i = 0; i < 1000; ++i) line += " M" + std::to_string(i);
    CHECK(offered({line, line}).auth.size() == max_mechanisms);
    CHECK(offered({"AUTH A\x01 " + std::string(21, 'A') + " a=b B_1-2"}).auth ==
          std::vector<std::string>{"B_1-2"});
}

TEST_CASE("who offers SMTPUTF8 offers 8BITMIME") {
    CHECK(offered({"SMTPUTF8"}).eight_bit);
}

}  // namespace
}  // namespace holdfast::relay
