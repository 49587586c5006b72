// What goes to the caller. Whether it gets through is his concern: callers close these descriptors,
// make them non-blocking, or hand in a full disk.
#pragma once

#include <string>
#include <string_view>

namespace holdfast {

// Writes all of `text`; false where that failed.
bool print(int fd, std::string_view text);

// One line on standard error: "<program>: <text>".
void complain(std::string_view program, std::string_view text);

// Of an answer about the alias files (links::Answer): prints the lines in front of the last one on
// standard error, and returns the last one.
std::string print_complaints(std::string_view text);

}  // namespace holdfast
