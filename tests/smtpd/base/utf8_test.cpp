#include "smtpd/base/utf8.h"

#include "tests/catch.h"

using namespace holdfast;

TEST_CASE("characters are those of RFC 3629, and no others") {
    for (const char* good : {"a", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x93\xac"}) {
        CHECK(character_length(good) == std::string_view(good).size());
    }
    for (const char* bad :
         {"", "\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\xff"}) {
        CHECK(character_length(bad) == 0);
    }
}
