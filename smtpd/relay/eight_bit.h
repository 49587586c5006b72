// Bytes above 0x7f: whether there are any, and whether they are UTF-8.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace holdfast::relay {

constexpr bool is_eight_bit(char c) {
    return static_cast<unsigned char>(c) >= 0x80;
}

inline bool has_eight_bit(std::string_view text) {
    return std::ranges::any_of(text, is_eight_bit);
}

// Reads a text that comes in pieces.
class Utf8Check {
  public:
    void feed(std::string_view text);

    // Whether the text so far is UTF-8, its last character complete.
    bool holds() const { return holds_ && begun_.empty(); }

  private:
    bool holds_ = true;
    std::string begun_;  // the first bytes of a character
};

bool is_utf8(std::string_view text);

}  // namespace holdfast::relay
