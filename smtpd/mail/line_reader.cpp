#include "smtpd/mail/line_reader.h"

namespace holdfast {

LineReader::Taken LineReader::take(std::string_view input) {
    const std::size_t newline = input.find('\n');
    if (newline == std::string_view::npos) return take_part(input);
    // The first CR must be the one right before the first LF.
    if (newline == 0 || input.substr(0, newline).find('\r') != newline - 1) {
        return {Kind::bare_line_end, {}, 0};
    }
    const std::size_t used = newline + 1;
    const bool too_long = skipping_ || used > limit_;
    skipping_ = false;
    if (too_long) return {Kind::too_long, {}, used};
    return {Kind::line, input.substr(0, newline - 1), used};
}

// A CR at the end may still get its LF: it is left for the next call.
LineReader::Taken LineReader::take_part(std::string_view input) {
    const std::size_t end = input.find('\r');
    const bool bare = end != std::string_view::npos && end + 1 != input.size();
    if (bare) return {Kind::bare_line_end, {}, 0};
    if (input.size() > limit_) skipping_ = true;
    if (!skipping_) return {};
    return {Kind::incomplete, {}, end == std::string_view::npos ? input.size() : end};
}

}  // namespace holdfast
