// Lines to the caller. Nothing depends on whether they get through: callers close these
// descriptors, or hand in a full disk.
#pragma once

#include <string_view>

namespace holdfast::sendmail {

// Writes all of `text`; false where that failed.
bool print(int fd, std::string_view text);

// One line on standard error: "<program>: <text>".
void complain(std::string_view program, std::string_view text);

}  // namespace holdfast::sendmail
