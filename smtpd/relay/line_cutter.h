// The lines of a text that comes in pieces. Lines of legal length come whole, longer ones in parts,
// so that what is held back is bounded; the first part is the same however the text was cut.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::relay {

// Bytes of a line without its end (RFC 5322 section 2.1.1, RFC 5321 section 4.5.3.1.6).
inline constexpr std::size_t max_line = 998;

struct LinePart {
    std::string_view bytes;
    bool begins = false;  // a line
    bool ends = false;    // with a LF, or the text ends here

    bool whole() const { return begins && ends; }
    bool of_long_line() const { return !whole(); }
};

class LineCutter {
  public:
    // Takes the next part off the front of `text`; nothing where `text` is used up: the rest is
    // kept. The part is valid until the next call, and as long as `text`'s bytes are.
    std::optional<LinePart> next(std::string_view& text);

    // What was kept, when the text has ended.
    std::optional<LinePart> finish();

  private:
    std::optional<LinePart> begin_of_line(std::string_view& text);

    std::string held_;          // the beginning of a line
    bool held_is_out_ = false;  // it has been given out
    bool inside_ = false;       // a long line
};

}  // namespace holdfast::relay
