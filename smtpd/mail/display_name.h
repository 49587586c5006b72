// A person's name in front of an address.
#pragma once

#include <string>
#include <string_view>

namespace holdfast {

inline constexpr std::size_t max_display_name = 500;  // bytes; the rest is cut off

// `name` as a phrase of RFC 5322 section 3.2.5: bare where it may be, else quoted, else (bytes
// above 0x7f) as RFC 2047 encoded words, folded. Control bytes become spaces, spaces at the ends
// go: nothing in a name can start another field. Empty where nothing is left.
std::string display_name(std::string_view name);

// `text` between quotation marks, its own and backslashes protected (RFC 5321 section 4.1.2).
std::string quoted_string(std::string_view text);

// `text` with a space for every control byte.
std::string without_controls(std::string_view text);

}  // namespace holdfast
