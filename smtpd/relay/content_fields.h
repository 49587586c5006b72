// The fields that say how a part of a message is written: Content-Type with its parameters, and
// Content-Transfer-Encoding (RFC 2045). Reads what mail programs write, comments and blanks
// anywhere; total and in linear time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::relay {

// What lies between the semicolons, white space and comments of a field's value.
struct ContentItem {
    std::size_t begin = 0;  // offsets in the value
    std::size_t end = 0;
    std::string_view name;       // of a parameter; empty: a word that is none
    std::string text;            // the value, quotes and backslashes resolved, or the word
    std::size_t text_begin = 0;  // where that stands, as it is written
};

std::vector<ContentItem> content_items(std::string_view value);

// Empty where the value can't be read.
struct ContentType {
    std::string type;      // lower case
    std::string subtype;   // lower case
    std::string boundary;  // as it stands in delimiters; empty where there is none, or none to go
                           // by: over max_boundary, not ASCII, or written as RFC 2231 has it
};

// RFC 2046 section 5.1.1 allows 70.
inline constexpr std::size_t max_boundary = 250;

ContentType parse_content_type(std::string_view value);

enum class TransferEncoding : std::uint8_t {
    seven_bit,  // or none, or one that nobody knows
    eight_bit,
    binary,
    quoted_printable,
    base64,
};

TransferEncoding parse_transfer_encoding(std::string_view value);

}  // namespace holdfast::relay
