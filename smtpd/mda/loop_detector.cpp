#include "smtpd/mda/loop_detector.h"

#include <algorithm>

#include "smtpd/mda/trace.h"

namespace holdfast::mda {

namespace {

// Longer lines are no Delivered-To of ours: header_text() bounds those.
constexpr std::size_t max_line = 1000;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_letters(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blank = " \t\r";
    const std::size_t first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

}  // namespace

LoopDetector::LoopDetector(std::string_view delivered_to)
    : delivered_to_(trimmed(header_text(delivered_to))) {}

void LoopDetector::feed(std::string_view bytes) {
    while (in_header_ && !bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::string_view part = bytes.substr(0, end);
        line_.append(part.substr(0, max_line - std::min(max_line, line_.size())));
        if (end == std::string_view::npos) return;
        bytes.remove_prefix(end + 1);
        end_line();
    }
}

void LoopDetector::end_line() {
    constexpr std::string_view name = "delivered-to:";
    const std::string_view line = line_;
    if (line.empty() || line == "\r") {
        in_header_ = false;
    } else if (same_letters(line.substr(0, name.size()), name)) {
        const std::string_view value = trimmed(line.substr(name.size()));
        found_ = found_ || (!value.empty() && same_letters(value, delivered_to_));
    }
    line_.clear();
}

}  // namespace holdfast::mda
