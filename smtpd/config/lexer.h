// Cuts a line of smtpd.conf into words. `#` begins a comment where a word could begin; a word in
// quotation marks may hold spaces and `#`, with \" for a quotation mark and \\ for a backslash.
// Pure, total, linear; nothing spans lines.
#pragma once

#include <algorithm>
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

// `piece`, a part of the word's text, as a word by itself. In a quoted word, where an escape moves
// what follows it, it has the place of the whole.
Word part_of(const Word& word, std::string_view piece);

// `line` without its line end.
std::expected<std::vector<Word>, Fault> lex_line(std::string_view line);

// Calls `action` with the number and the text of each line, without LF or CR LF.
template <class Action>
void for_each_line(std::string_view text, Action action) {
    for (std::uint32_t number = 1; !text.empty(); ++number) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (line.ends_with('\r')) line.remove_suffix(1);
        action(number, line);
    }
}

// `at` counts from 0.
Fault fault_at(std::size_t at, std::size_t length, std::string message, std::string expected);

Fault fault_of(const Word& word, std::string message, std::string expected,
               std::string suggestion = {});

// Of a quotation mark that stands at `at`.
Fault never_closed(std::string_view line, std::size_t at);

}  // namespace holdfast::config
