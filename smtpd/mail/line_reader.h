// Takes command lines off a client's input. Only CR LF ends a line: a CR or LF that stands alone
// is what makes two servers disagree about where a message ends (SMTP smuggling, F16).
#pragma once

#include <cstdint>
#include <string_view>

namespace holdfast {

class LineReader {
  public:
    enum class Kind : std::uint8_t {
        incomplete,  // no line yet: more input is needed behind what was not used
        line,
        too_long,       // a line that was longer than the limit has ended, and is gone
        bare_line_end,  // a CR or LF alone: nothing behind it can be trusted
    };
    struct Taken {
        Kind kind = Kind::incomplete;
        std::string_view line;  // into the input, without its end
        std::size_t used = 0;   // bytes of the input that are done with
    };

    // `limit` is the longest line, its end included. A caller that keeps `limit` + 1 unused bytes
    // always makes progress; a longer line costs no memory.
    explicit LineReader(std::size_t limit) : limit_(limit) {}

    Taken take(std::string_view input);

  private:
    Taken take_part(std::string_view input);

    std::size_t limit_;
    bool skipping_ = false;  // inside a line that is too long
};

}  // namespace holdfast
