#include "smtpd/config/lexer.h"

#include "tests/catch.h"

using namespace holdfast::config;

namespace {

std::vector<std::string> texts(std::string_view line) {
    const auto words = lex_line(line);
    REQUIRE(words);
    std::vector<std::string> result;
    for (const Word& word : *words) result.push_back(word.text);
    return result;
}

std::string fault(std::string_view line) {
    const auto words = lex_line(line);
    REQUIRE_FALSE(words);
    return std::to_string(words.error().column) + "+" + std::to_string(words.error().length) +
           ": " + words.error().message;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a line is cut into words at spaces and tabs") {
    CHECK(texts("listen\t*:25  none ") == Texts{"listen", "*:25", "none"});
    CHECK(texts("").empty());
    CHECK(texts("  \t ").empty());
}

TEST_CASE("a comment begins where a word could begin, and nowhere else") {
    CHECK(texts("# listen *:25").empty());
    CHECK(texts("listen *:25 # all") == Texts{"listen", "*:25"});
    CHECK(texts("secret a#b") == Texts{"secret", "a#b"});
    CHECK(texts("secret \"# b\" #c") == Texts{"secret", "# b"});
    CHECK(texts("# \x01 anything goes \" here").empty());
}

TEST_CASE("a quoted word holds spaces, quotation marks and backslashes") {
    CHECK(texts(R"(a "b \"c\" \\ d" "")") == Texts{"a", R"(b "c" \ d)", ""});
}

TEST_CASE("a word knows its place in bytes, quotation marks included") {
    const auto words = lex_line("ab  \"c d\" e");
    REQUIRE(words);
    CHECK(words->at(1).column == 5);
    CHECK(words->at(1).length == 5);
    CHECK(words->at(2).column == 11);
    CHECK(words->at(2).length == 1);
}

TEST_CASE("what is not a row of words is refused with its place") {
    CHECK(fault("a \"b c") == "3+4: quotation mark is never closed");
    CHECK(fault("a \"b c\\") == "7+1: unknown escape in a quoted word");
    CHECK(fault("a \"b\\n\"") == "5+2: unknown escape in a quoted word");
    CHECK(fault("a \"b\"c") == "6+1: no space after a quoted word");
    CHECK(fault("a b\"c\"") == "4+1: quotation mark inside a word");
    CHECK(fault(std::string_view("a b\0c", 5)) == "4+1: control byte \\x00 in a word");
    CHECK(fault("\"a\x1b\"") == "3+1: control byte \\x1B in a word");
    CHECK(fault("a\rb") == "2+1: control byte \\r in a word");
    CHECK(fault(std::string(max_line + 1, 'x')) == "8193+1: line of 8193 bytes");
    CHECK(texts(std::string(max_line, 'x')).size() == 1);
}
