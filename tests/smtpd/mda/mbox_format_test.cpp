#include "smtpd/mda/mbox_format.h"

#include "tests/catch.h"
#include "tests/smtpd/mda/mailroom.h"

using namespace holdfast;
using namespace holdfast::mda;

namespace {

std::string quoted_in_pieces(std::string_view message, std::size_t piece) {
    MboxQuoter quoter;
    std::string out;
    for (std::size_t at = 0; at < message.size(); at += piece) {
        out += quoter.quote(message.substr(at, piece));
    }
    return out + quoter.finish();
}

}  // namespace

TEST_CASE("F33 lines that begin with From are quoted so that they can be read back exactly") {
    const auto quote = [](std::string_view text) { return quoted_in_pieces(text, 1000); };
    CHECK(quote("From here\n") == ">From here\n\n");
    CHECK(quote(">From here\n") == ">>From here\n\n");
    CHECK(quote(">>>From here\n") == ">>>>From here\n\n");
    CHECK(quote("a\n\nFrom b") == "a\n\n>From b\n\n");
    CHECK(quote("From\nFrom: x\n From y\nfrom z\n") == "From\nFrom: x\n From y\nfrom z\n\n");
    CHECK(quote(">> From\n>\n") == ">> From\n>\n\n");
    CHECK(quote("FFrom \n") == "FFrom \n\n");
}

TEST_CASE("a quoted message ends with its own line end and a blank line") {
    CHECK(quoted_in_pieces("", 1) == "\n");
    CHECK(quoted_in_pieces("x", 1) == "x\n\n");
    CHECK(quoted_in_pieces("x\n", 1) == "x\n\n");
    CHECK(quoted_in_pieces("From", 1) == "From\n\n");
    CHECK(quoted_in_pieces("From ", 1) == ">From \n\n");
    CHECK(quoted_in_pieces(">", 1) == ">\n\n");
    CHECK(quoted_in_pieces(std::string("\0\r\xff", 3), 1) == std::string("\0\r\xff\n\n", 5));
}

TEST_CASE("where a message is cut into pieces makes no difference") {
    const std::string message = "From a\n>From b\n\n>>Fro\nFrom\n> From \nFrom From \n\nF";
    const std::string whole = quoted_in_pieces(message, message.size());
    for (std::size_t piece = 1; piece < message.size(); ++piece) {
        CHECK(quoted_in_pieces(message, piece) == whole);
    }
    const auto read = messages_of("From x\n" + whole);
    REQUIRE(read.size() == 1);
    CHECK(read[0] == message + "\n");
}

TEST_CASE("the From line names the sender in one word and the time in UTC") {
    links::Deliver order = order_of(1);
    CHECK(from_line(order) == "From bob@example.org Sat Nov 21 07:50:18 2026\n");
    order.return_path = "";
    order.admitted = 0;
    CHECK(from_line(order) == "From MAILER-DAEMON Thu Jan  1 00:00:00 1970\n");
    order.return_path = "\"a b\"@x\nFrom y";
    CHECK(from_line(order) == "From \"a-b\"@x?From-y Thu Jan  1 00:00:00 1970\n");
}
