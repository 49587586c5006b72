// Counts the Received fields of a header that streams by (RFC 5321 section 6.3). Keeps the start
// of one line, whatever the header's size.
#pragma once

#include <string>
#include <string_view>

namespace holdfast::smtpin {

class HopCounter {
  public:
    // The next bytes of the message, LF line ends. Those behind the header are ignored.
    void feed(std::string_view text);

    unsigned hops() const { return hops_; }

  private:
    std::string start_;  // of the line at hand
    bool in_header_ = true;
    unsigned hops_ = 0;
};

}  // namespace holdfast::smtpin
