// Where the characters of a text begin, as far as printing it safely needs to know.
#pragma once

#include <cstddef>
#include <string_view>

namespace holdfast::mtactl {

// Bytes of the character that `text` begins with, 1 to 4 (RFC 3629: no overlong forms, no
// surrogates); 0 where it begins with none.
std::size_t character_length(std::string_view text);

}  // namespace holdfast::mtactl
