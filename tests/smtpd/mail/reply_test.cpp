#include "smtpd/mail/reply.h"

#include <vector>

#include "tests/catch.h"

namespace holdfast {
namespace {

TEST_CASE("a reply is one line with its enhanced status, or without one") {
    CHECK(to_wire(Reply{250, "2.1.0", "Ok"}) == "250 2.1.0 Ok\r\n");
    CHECK(to_wire(Reply{354, "", "go on"}) == "354 go on\r\n");
}

TEST_CASE("a reply of several lines marks the last one") {
    const std::vector<std::string> lines{"mx.example", "PIPELINING", "8BITMIME"};
    CHECK(to_wire(250, lines) == "250-mx.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
}

TEST_CASE("F25 no text can end a reply's line or send other bytes than printable ones") {
    for (int byte = 0; byte < 256; ++byte) {
        const std::string text = std::string("a") + static_cast<char>(byte) + "b";
        const std::string wire = to_wire(Reply{550, "5.0.0", text});
        REQUIRE(wire.size() == 15);
        CHECK(wire.find_first_of("\r\n") == 13);
        const bool printable = byte >= 0x20 && byte < 0x7f;
        CHECK(wire[11] == (printable ? static_cast<char>(byte) : '?'));
    }
}

TEST_CASE("a reply's line is never longer than 512 bytes") {
    const std::string wire = to_wire(Reply{550, "5.0.0", std::string(2000, 'x')});
    CHECK(wire.size() == 512);
    CHECK(wire.ends_with("\r\n"));
}

TEST_CASE("a refusal from another room is made one that a client can rely on") {
    struct Row {
        std::uint16_t code;
        std::string enhanced;
        std::string wire;
    };
    const std::vector<Row> rows{
        {550, "5.1.1", "550 5.1.1 no\r\n"},
        {452, "4.3.1", "452 4.3.1 no\r\n"},
        {550, "4.1.1", "550 5.0.0 no\r\n"},
        {450, "", "450 4.0.0 no\r\n"},
        {450, "4.", "450 4.0.0 no\r\n"},
        {450, "4.1", "450 4.0.0 no\r\n"},
        {450, "4..1", "450 4.0.0 no\r\n"},
        {450, "4.1.", "450 4.0.0 no\r\n"},
        {450, "4.1.1\r\n250", "450 4.0.0 no\r\n"},
        {450, "4.1.1.1", "450 4.0.0 no\r\n"},
        {450, "4.123.456", "450 4.123.456 no\r\n"},
        {450, "4.1234.1", "450 4.0.0 no\r\n"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.code, row.enhanced);
        CHECK(to_wire(refusal(row.code, row.enhanced, "no")) == row.wire);
    }
    for (const std::uint16_t code : std::vector<std::uint16_t>{0, 1, 250, 354, 399, 600, 65535}) {
        CAPTURE(code);
        CHECK(refusal(code, "2.0.0", "no").code == 451);
    }
}

}  // namespace
}  // namespace holdfast
