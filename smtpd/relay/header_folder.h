// Header lines over max_line bytes, cut into lines that SMTP can carry (F51). They are folded
// before the last white space that fits, which changes nothing (RFC 5322 section 2.2.3). A word of
// more than a line is cut, and a reader sees a space there: that much of it can't be helped. White
// space of more than a line becomes less.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::relay {

class HeaderFolder {
  public:
    // Fields with their line ends, in pieces of any size. The colon of each stands within
    // FieldCollector::max_name bytes.
    std::string feed(std::string_view text);

    // What is left of a last line that has no end.
    std::string finish();

  private:
    std::string fold();
    std::size_t place() const;

    std::string line_;  // what has not been given out of it
};

}  // namespace holdfast::relay
