// Counts the Received fields of a header that streams by (RFC 5321 section 6.3): memory for a
// state, whatever the header's size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast::smtpin {

class HopCounter {
  public:
    // The next bytes of the message, LF line ends. Those behind the header are ignored.
    void feed(std::string_view text);

    unsigned hops() const { return hops_; }

  private:
    enum class At : std::uint8_t { name, blank, rest, body };

    void step(char c);
    void step_name(char c);

    At at_ = At::name;
    std::size_t matched_ = 0;  // letters of "received" at the start of this line
    unsigned hops_ = 0;
};

}  // namespace holdfast::smtpin
