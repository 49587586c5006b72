#include "smtpd/mda/trace.h"

#include "smtpd/mda/loop_detector.h"
#include "tests/catch.h"
#include "tests/smtpd/mda/mailroom.h"

using namespace holdfast;
using namespace holdfast::mda;

namespace {

bool loops(std::string_view message, std::size_t piece = 3) {
    LoopDetector detector("alice@example.net");
    for (std::size_t at = 0; at < message.size(); at += piece) {
        detector.feed(message.substr(at, piece));
    }
    return detector.found();
}

}  // namespace

TEST_CASE("the lines in front of a message name its sender, its mailbox and this delivery") {
    CHECK(trace_lines(order_of(7), "host.example.net") ==
          "Return-Path: <bob@example.org>\n"
          "Delivered-To: alice@example.net\n"
          "Received: by host.example.net (Holdfast mda) id 01HF0000000000000000000007.0; "
          "Sat, 21 Nov 2026 07:50:18 +0000\n");
}

TEST_CASE("F28 no value can begin a header line of its own") {
    links::Deliver order = order_of(1);
    order.return_path = "x\nBcc: y\r\n\n\x7f";
    order.delivered_to = std::string("a\0b\n\nc", 6);
    const std::string lines = trace_lines(order, "h\nX: y");
    CHECK(std::count(lines.begin(), lines.end(), '\n') == 3);
    CHECK(lines.find('\r') == std::string::npos);
    CHECK(lines.find('\0') == std::string::npos);
}

TEST_CASE("F21 values without end make no line without end") {
    links::Deliver order = order_of(1);
    order.return_path = order.delivered_to = std::string(100'000, 'x');
    const std::string lines = trace_lines(order, std::string(100'000, 'h'));
    for (std::string_view rest = lines; !rest.empty();) {
        const std::size_t end = rest.find('\n');
        CHECK(end <= 998);
        rest.remove_prefix(end + 1);
    }
}

TEST_CASE("F49 a message that was delivered to this user before is a mail loop") {
    CHECK(loops("Delivered-To: alice@example.net\n\n"));
    CHECK(loops("Subject: x\ndelivered-to:ALICE@example.net  \r\nTo: y\n\n"));
    CHECK_FALSE(loops("Delivered-To: alice@example.com\n\n"));
    CHECK_FALSE(loops("Delivered-To: malice@example.net\n\n"));
    CHECK_FALSE(loops("X-Delivered-To: alice@example.net\n\n"));
    CHECK_FALSE(loops("Subject: x\n\nDelivered-To: alice@example.net\n"));
    CHECK_FALSE(loops("Subject: x\r\n\r\nDelivered-To: alice@example.net\n"));
    CHECK_FALSE(loops("Delivered-To:\n\n"));
}

TEST_CASE("F21 a header line without end is not kept") {
    LoopDetector detector("alice@example.net");
    for (int i = 0; i < 1000; ++i) detector.feed(std::string(64 * 1024, 'x'));
    detector.feed("\nDelivered-To: alice@example.net\n");
    CHECK(detector.found());
}
