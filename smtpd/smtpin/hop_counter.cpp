#include "smtpd/smtpin/hop_counter.h"

#include <algorithm>

#include "smtpd/mail/ascii.h"

namespace holdfast::smtpin {

namespace {

constexpr std::string_view name = "received";
constexpr std::size_t max_start = 64;

// RFC 5322 section 4.5.8 allows white space before the colon.
bool is_received(std::string_view line) {
    if (!ascii::equal(line.substr(0, name.size()), name)) return false;
    line.remove_prefix(name.size());
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    return line.starts_with(':');
}

}  // namespace

void HopCounter::feed(std::string_view text) {
    while (in_header_ && !text.empty()) {
        const std::string_view rest = text.substr(0, text.find('\n'));
        start_.append(rest.substr(0, max_start - start_.size()));
        if (rest.size() == text.size()) return;
        if (is_received(start_)) ++hops_;
        in_header_ = !start_.empty();
        start_.clear();
        text.remove_prefix(rest.size() + 1);
    }
}

}  // namespace holdfast::smtpin
