// Lines and words of the files that resolver(3) reads.
#pragma once

#include <algorithm>
#include <string_view>

namespace holdfast::dns {

// The first word of `rest`, which is left with what stands behind it; empty at the end.
inline std::string_view take_word(std::string_view& rest) {
    constexpr std::string_view blank = " \t\r\v\f";
    rest.remove_prefix(std::min(rest.find_first_not_of(blank), rest.size()));
    const std::string_view word = rest.substr(0, rest.find_first_of(blank));
    rest.remove_prefix(word.size());
    return word;
}

// The first line of `rest` without its end, which is taken off `rest`.
inline std::string_view take_line(std::string_view& rest) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    return line;
}

}  // namespace holdfast::dns
