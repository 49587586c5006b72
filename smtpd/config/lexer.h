// Cuts a line of smtpd.conf into words. `#` begins a comment where a word could begin; a word in
// quotation marks may hold spaces and `#`, with \" for a quotation mark and \\ for a backslash.
// Pure, total, linear; nothing spans lines.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/config/diagnostic.h"

namespace holdfast::config {

inline constexpr std::size_t max_line = 8192;  // bytes

struct Word {
    std::string text;
    std::uint32_t column = 1;  // of its first byte, from 1; a quoted word begins at its quote
    std::uint32_t length = 0;  // in the source
};

// `line` without its line feed; a carriage return at its end is not part of it.
std::expected<std::vector<Word>, Fault> lex_line(std::string_view line);

}  // namespace holdfast::config
