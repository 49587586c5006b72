#include "smtpd/mda/trace.h"

#include "smtpd/mda/incoming.h"
#include "tests/catch.h"
#include "tests/smtpd/mda/mailroom.h"

using namespace holdfast;
using namespace holdfast::mda;

TEST_CASE("the lines in front of a message name its sender and its mailbox") {
    CHECK(trace_lines(order_of(7)) ==
          "Return-Path: <bob@example.org>\n"
          "Delivered-To: alice@example.net\n");
}

TEST_CASE("F28 no value can begin a header line of its own") {
    links::Deliver order = order_of(1);
    order.return_path = "x\nBcc: y\r\n\n\x7f";
    order.delivered_to = std::string("a\0b\n\nc", 6);
    const std::string lines = trace_lines(order);
    CHECK(std::count(lines.begin(), lines.end(), '\n') == 2);
    CHECK(lines.find('\r') == std::string::npos);
    CHECK(lines.find('\0') == std::string::npos);
}

TEST_CASE("F21 values without end make no line without end") {
    links::Deliver order = order_of(1);
    order.return_path = order.delivered_to = std::string(100'000, 'x');
    const std::string lines = trace_lines(order);
    for (std::string_view rest = lines; !rest.empty();) {
        const std::size_t end = rest.find('\n');
        CHECK(end <= 998);
        rest.remove_prefix(end + 1);
    }
}

TEST_CASE("F49 a message that was delivered to this user before is a mail loop") {
    const auto loops = [](std::string_view message) {
        return was_delivered_to(message, "alice@example.net");
    };
    CHECK(loops("Delivered-To: alice@example.net\n\n"));
    CHECK(loops("Subject: x\ndelivered-to:ALICE@example.net  \r\nTo: y\n\n"));
    CHECK(loops("Received: x\n by y\nDelivered-To: alice@example.net"));
    CHECK_FALSE(loops("Delivered-To: alice@example.com\n\n"));
    CHECK_FALSE(loops("Delivered-To: malice@example.net\n\n"));
    CHECK_FALSE(loops("X-Delivered-To: alice@example.net\n\n"));
    CHECK_FALSE(loops("Subject: x\n\nDelivered-To: alice@example.net\n"));
    CHECK_FALSE(loops("Subject: x\r\n\r\nDelivered-To: alice@example.net\n"));
    CHECK_FALSE(loops("Delivered-To:\n\n"));
    CHECK_FALSE(loops(""));
    CHECK_FALSE(was_delivered_to("Delivered-To:\n\n", ""));
}
