#include "smtpd/base/quote.h"

#include "tests/catch.h"

using namespace holdfast;

TEST_CASE("F25 no byte makes an escaped or quoted text hold a control byte") {
    for (int byte = 0; byte < 256; ++byte) {
        const std::string text = std::string("a") + static_cast<char>(byte) + "b";
        for (const std::string& out : {escaped(text), quoted(text)}) {
            for (const char c : out) {
                const auto value = static_cast<unsigned char>(c);
                CHECK((value >= 0x20 && value != 0x7f));
            }
        }
    }
    CHECK(escaped("a\nb\t\x1b\"\\") == "a\\nb\\t\\x1B\\\"\\\\");
}

TEST_CASE("F25 characters that act on a terminal or turn a text round are shown by their number") {
    CHECK(escaped("gr\u00fc\u00dfe \U0001f4e8 \u65e5\u672c") ==
          "gr\u00fc\u00dfe \U0001f4e8 \u65e5\u672c");
    CHECK(escaped("a\u009b31mb") == "a\\u{009B}31mb");
    CHECK(escaped("a\u202egpj.exe") == "a\\u{202E}gpj.exe");
    for (const char* text : {"\u0080", "\u009f", "\u200e", "\u200f", "\u2028", "\u2029", "\u202a",
                             "\u2066", "\u2069", "\ufeff", "\u061c"}) {
        CHECK(escaped(text).starts_with("\\u{"));
        CHECK(quoted(text).starts_with("\"\\u{"));
        CHECK(harmless(text).starts_with("\\u{"));
    }
    for (const char* text : {"\u00a0", "\u200d", "\u2030", "\u206a"}) CHECK(escaped(text) == text);
}

TEST_CASE("F25 bytes that are no character are shown as bytes") {
    CHECK(escaped("\x9b"
                  "31m") == "\\x9B31m");
    CHECK(escaped("a\xc3") == "a\\xC3");
    CHECK(escaped("\xc0\x8a") == "\\xC0\\x8A");
    CHECK(escaped("\xed\xa0\x80") == "\\xED\\xA0\\x80");
}

TEST_CASE("a text that is ours keeps its quotation marks, and nothing that does harm") {
    CHECK(harmless("no \"bob\\\" here\n\x1b[2J") == "no \"bob\\\" here\\n\\x1B[2J");
}

TEST_CASE("F25 a text of several lines keeps line ends and tabs, and no other control byte") {
    CHECK(harmless_lines("a\tb\r\n\n\x07"
                         "c") == "a\tb\\r\n\n\\x07c");
    CHECK(harmless_lines("").empty());
}

TEST_CASE("a value is quoted exactly where it could be taken for something else") {
    CHECK(quoted("plain@example.org") == "plain@example.org");
    CHECK(quoted("") == "\"\"");
    CHECK(quoted("a b") == "\"a b\"");
    CHECK(quoted("a=b") == "\"a=b\"");
    CHECK(quoted("a\"b") == "\"a\\\"b\"");
}

TEST_CASE("F28 percent encoding gives one word for any bytes, and they come back") {
    for (int one = 0; one < 256; ++one) {
        for (int two = 0; two < 256; two += 5) {
            const std::string bytes{static_cast<char>(one), static_cast<char>(two)};
            const std::string word = percent_encoded(bytes);
            REQUIRE(word.find_first_of(std::string_view(" \t\r\n\0", 5)) == std::string::npos);
            REQUIRE(percent_decoded(word) == bytes);
        }
    }
    CHECK(percent_encoded("") == "-");
    CHECK(percent_encoded("-") == "%2D");
    CHECK(percent_decoded("-") == "");
    CHECK(percent_decoded("%2D") == "-");
}

TEST_CASE("what percent encoding would not write is not read") {
    for (const char* word : {"", "%", "%4", "%zz", "%4x", "%aa", "a b", "a\nb", "\x80"}) {
        INFO(word);
        CHECK_FALSE(percent_decoded(word));
    }
}
