#include "smtpd/relay/eight_bit.h"

#include <utility>

#include "smtpd/base/utf8.h"

namespace holdfast::relay {

namespace {

// Whether more bytes may make a character of `text`, which is none.
bool may_go_on(std::string_view text) {
    const auto lead = static_cast<unsigned char>(text.front());
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    return text.size() < length && std::ranges::all_of(text, is_eight_bit);
}

}  // namespace

void Utf8Check::feed(std::string_view text) {
    const std::string joined = begun_.empty() ? "" : std::exchange(begun_, {}).append(text);
    if (!joined.empty()) text = joined;
    while (holds_) {
        text.remove_prefix(
            static_cast<std::size_t>(std::ranges::find_if(text, is_eight_bit) - text.begin()));
        if (text.empty()) return;
        const std::size_t length = character_length(text);
        if (length > 0) {
            text.remove_prefix(length);
        } else if (may_go_on(text)) {
            begun_ = text;
            return;
        } else {
            holds_ = false;
        }
    }
}

bool is_utf8(std::string_view text) {
    Utf8Check check;
    check.feed(text);
    return check.holds();
}

}  // namespace holdfast::relay
