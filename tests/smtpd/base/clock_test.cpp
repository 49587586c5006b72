#include "smtpd/base/clock.h"

#include "tests/catch.h"

using namespace holdfast;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("a date is written as RFC 5322 wants it, whatever the locale") {
    CHECK(rfc5322_date(WallTime(milliseconds(0))) == "Thu, 01 Jan 1970 00:00:00 +0000");
    CHECK(rfc5322_date(WallTime(milliseconds(1709210096789))) == "Thu, 29 Feb 2024 12:34:56 +0000");
    CHECK(rfc5322_date(WallTime(milliseconds(-1))) == "Wed, 31 Dec 1969 23:59:59 +0000");
}

TEST_CASE("a time is written as RFC 3339 wants it") {
    CHECK(rfc3339_time(WallTime(milliseconds(1709210096007))) == "2024-02-29T12:34:56.007Z");
    CHECK(rfc3339_time(WallTime(milliseconds(-1))) == "1969-12-31T23:59:59.999Z");
}

TEST_CASE("a duration is told in its two largest units") {
    CHECK(short_duration(milliseconds(250)) == "250ms");
    CHECK(short_duration(seconds(5)) == "5s");
    CHECK(short_duration(seconds(125)) == "2m5s");
    CHECK(short_duration(seconds(3 * 86400 + 4 * 3600 + 59)) == "3d4h");
    CHECK(short_duration(Duration::zero()) == "0s");
}

TEST_CASE("the monotonic clock does not go back") {
    const MonoTime first = real_clock().mono();
    CHECK(real_clock().mono() >= first);
}
