// Words of a header field with bytes above 0x7f as encoded words (RFC 2047), so that a reader sees
// the text that was there: the charset is UTF-8 where the bytes are, else unknown-8bit (RFC 1428).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::relay {

// A word, and the white space before it.
struct Word {
    std::string_view space;
    std::string_view raw;
    std::string text;  // what it means: without quotes and backslashes
};

// The words of a text that white space separates. At the end there may be an empty one, which has
// the white space that ends the text.
std::vector<Word> words_of(std::string_view text);

// Words without such bytes stay as they are, between white space as it is. `column` is where the
// first one stands in its line; before an encoded word that would end behind column 76 the line is
// folded, in place of the white space there.
std::string encoded(const std::vector<Word>& words, std::size_t column);

// Where in its line the next byte goes behind `text`, which began at `column`.
std::size_t column_behind(std::string_view text, std::size_t column);

// `text` with its folding undone.
std::string without_line_ends(std::string_view text);

// "utf-8" or "unknown-8bit".
std::string_view charset_of(std::string_view text);

}  // namespace holdfast::relay
