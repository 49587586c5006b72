// Content-Type and Content-Disposition with bytes above 0x7f, as RFC 2231 has them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::relay {

// The value of such a field, which stands behind `column` bytes of its line, in ASCII. Parameters
// become "name*=utf-8''%C3%A9", in numbered sections where they are long, one a line; one that is a
// section already stays that. Any other word becomes a comment. Where the first word does, the type
// or disposition, `standard` comes in its place.
std::string encoded_content(std::string_view value, std::size_t column, std::string_view standard);

}  // namespace holdfast::relay
