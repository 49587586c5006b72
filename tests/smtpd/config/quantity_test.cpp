#include "smtpd/config/quantity.h"

#include "tests/catch.h"

using namespace holdfast::config;

TEST_CASE("sizes have decimal and binary units") {
    CHECK(parse_size("4096") == 4096);
    CHECK(parse_size("50M") == 50'000'000);
    CHECK(parse_size("50mb") == 50'000'000);
    CHECK(parse_size("64KiB") == 65536);
    CHECK(parse_size("2GiB") == 2ULL << 30);
    for (const auto* bad : {"", "M", "5X", "5 M", "-5M", "+5", "5.5M", "0x10", "5MM",
                            "99999999999999999999", "18446744073709551615K"}) {
        INFO(bad);
        CHECK_FALSE(parse_size(bad));
    }
}

TEST_CASE("durations name each unit at most once, the larger first") {
    CHECK(parse_duration("90s") == 90);
    CHECK(parse_duration("4h") == 14400);
    CHECK(parse_duration("1d12h") == 129600);
    CHECK(parse_duration("1w2d3h4m5s") == 604800 + 2 * 86400 + 3 * 3600 + 4 * 60 + 5);
    for (const auto* bad : {"", "4", "h", "4x", "4H", "1h1d", "1h1h", "1h30", "4 h", "-4h", "1hm",
                            "99999999999999999999s", "99999999999999999w"}) {
        INFO(bad);
        CHECK_FALSE(parse_duration(bad));
    }
}

TEST_CASE("values are shown in the largest unit that divides them") {
    CHECK(show_size(64 * 1024) == "64KiB");
    CHECK(show_size(50'000'000) == "50M");
    CHECK(show_size(4097) == "4097");
    CHECK(show_size(0) == "0");
    CHECK(show_duration(345600) == "4d");
    CHECK(show_duration(5400) == "90m");
    CHECK(show_duration(0) == "0s");
}

TEST_CASE("what is shown can be read back") {
    for (std::uint64_t value = 1; value < 1ULL << 40; value = value * 7 / 3 + 1) {
        INFO(value);
        CHECK(parse_size(show_size(value)) == value);
        CHECK(parse_duration(show_duration(value)) == value);
    }
}
