#include "smtpd/relay/quoted_printable.h"

#include <utility>

#include "smtpd/mail/ascii.h"

namespace holdfast::relay {

namespace {

constexpr std::size_t max_text = 75;  // and the "=" of a soft line break
constexpr std::size_t escape_size = 3;

std::string escaped(char c) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    return {'=', digits[byte >> 4], digits[byte & 15]};
}

}  // namespace

std::string QuotedPrintable::feed(std::string_view text) {
    out_.reserve(text.size() + text.size() / 16);
    for (const char c : text) take(c);
    return std::exchange(out_, {});
}

std::string QuotedPrintable::finish() {
    end_blank();
    return std::exchange(out_, {});
}

void QuotedPrintable::take(char c) {
    if (c == '\n') {
        end_blank();
        out_.push_back('\n');
        column_ = escape_ = 0;
        broken_ = false;
        return;
    }
    if (!blank_.empty()) put(std::exchange(blank_, {}));
    if (c == ' ' || c == '\t') {
        blank_ = c;
        escape_ = 0;
    } else if (!ascii::is_printable(c)) {
        put(escaped(c));
        escape_ = 0;
    } else if (input_ == Input::encoded) {
        take_encoded(c);
    } else {
        put(c == '=' ? escaped(c) : std::string(1, c));
    }
}

// What has been escaped stays in one line.
void QuotedPrintable::take_encoded(char c) {
    if (c == '=') {
        if (column_ + escape_size > max_text) break_line();
        escape_ = escape_size;
    }
    if (escape_ == 0) return put({&c, 1});
    --escape_;
    out_.push_back(c);
    ++column_;
}

// Mail systems may add and remove white space there (rule 3).
void QuotedPrintable::end_blank() {
    if (blank_.empty()) return;
    const std::string blank = std::exchange(blank_, {});
    put(input_ == Input::text ? escaped(blank.front()) : blank);
}

// A line that a soft break begins must not become a delimiter of a multipart.
void QuotedPrintable::put(std::string_view unit) {
    if (column_ + unit.size() > max_text) break_line();
    if (column_ == 0 && broken_ && unit == "-") unit = "=2D";
    out_.append(unit);
    column_ += unit.size();
}

void QuotedPrintable::break_line() {
    out_.append("=\n");
    column_ = 0;
    broken_ = true;
}

}  // namespace holdfast::relay
