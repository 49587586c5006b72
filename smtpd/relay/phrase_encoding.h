// Fields made of words, comments and punctuation (RFC 5322 section 3.2), with bytes above 0x7f
// where encoded words may stand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::relay {

// `text` is white space, comments that are closed, and punctuation; `column` is where it stands in
// its line. Words in comments become encoded words.
std::string encoded_comments(std::string_view text, std::size_t column);

enum class Phrases : std::uint8_t {
    encoded,  // a list of addresses: words outside of addresses are names
    fixed,    // only comments can be encoded
};

// Nothing where such bytes stand anywhere else.
std::optional<std::string> encoded_list(std::string_view value, std::size_t column,
                                        Phrases phrases);

}  // namespace holdfast::relay
