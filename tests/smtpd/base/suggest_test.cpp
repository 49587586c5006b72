#include "smtpd/base/suggest.h"

#include <array>

#include "tests/catch.h"

using namespace holdfast;

TEST_CASE("the distance counts letters put in, left out, replaced and exchanged") {
    CHECK(edit_distance("listen", "listen") == 0);
    CHECK(edit_distance("Listen", "listen") == 0);
    CHECK(edit_distance("lisen", "listen") == 1);
    CHECK(edit_distance("lisetn", "listen") == 1);
    CHECK(edit_distance("listem", "listen") == 1);
    CHECK(edit_distance("listeners", "listen") == 3);
    CHECK(edit_distance("", "abc") == 3);
    CHECK(edit_distance(std::string(100, 'a'), std::string(100, 'a')) == 100);
}

TEST_CASE("only what is near is suggested, the nearest first") {
    constexpr std::array<std::string_view, 4> words{"local", "listen", "limit", "mx"};
    CHECK(suggest("lokal", words) == "local");
    CHECK(suggest("limits", words) == "limit");
    CHECK(suggest("relay", words).empty());
    CHECK(suggest("", words).empty());
    CHECK(suggest("x", words) == "mx");
    CHECK(suggest("ab", words).empty());
}

TEST_CASE("alternatives read as a sentence does") {
    constexpr std::array<std::string_view, 3> words{"a", "b", "c"};
    CHECK(alternatives(words) == "a b or c");
    CHECK(alternatives(std::span(words).first(1)) == "a");
    CHECK(alternatives({}).empty());
}
