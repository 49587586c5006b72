// Just enough of UTF-8 to print a line that may hold anything: where its characters begin.
#pragma once

#include <cstddef>
#include <string_view>

namespace holdfast::config {

// Bytes of the well-formed character that `bytes` starts with, 1 to 4; 0 where there is none.
std::size_t character_length(std::string_view bytes);

}  // namespace holdfast::config
