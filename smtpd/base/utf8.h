// Where the characters of a text begin: as much of UTF-8 as it takes to print or encode bytes that
// may be anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast {

// Bytes of the character that `text` begins with, 1 to 4 (RFC 3629: no overlong forms, no
// surrogates); 0 where it begins with none.
std::size_t character_length(std::string_view text);

// The number of a character that is one (character_length() says so).
std::uint32_t code_of(std::string_view character);

}  // namespace holdfast
