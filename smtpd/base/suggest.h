// "Did you mean": the word of a list that a mistyped one is closest to. Pure and bounded.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace holdfast {

// Steps from one word to the other: letters put in, left out, replaced, or two exchanged.
// Case does not count. Words longer than 64 bytes are as far apart as they are long.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The nearest of `words` where it is near enough to be what was meant, else an empty string.
std::string suggest(std::string_view typed, std::span<const std::string_view> words);

// "a b or c", for the line that says what was expected.
std::string alternatives(std::span<const std::string_view> words);

}  // namespace holdfast
