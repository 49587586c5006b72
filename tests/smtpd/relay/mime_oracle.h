// What a mail program makes of a message: its parts, decoded. For whole messages, and without
// regard to speed or to what hostile ones hold.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::relay {

std::string quoted_printable_decoded(std::string_view text);

// CR LF becomes LF.
std::string base64_text_decoded(std::string_view text);

// Encoded words in Q decoded, folding undone, white space between two of them dropped.
std::string words_decoded(std::string_view value);

struct DecodedPart {
    std::string type;     // "text/plain", without parameters
    std::string content;  // without the line end before a delimiter
    bool operator==(const DecodedPart&) const = default;
};

// The parts that have no parts, in order.
std::vector<DecodedPart> decoded_parts(std::string_view message);

// The longest line, without its end.
std::size_t longest_line(std::string_view text);

}  // namespace holdfast::relay
