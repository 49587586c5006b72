#include "queue/words.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>

#include "smtpd/base/clock.h"
#include "smtpd/base/crc32c.h"
#include "smtpd/base/quote.h"

namespace holdfast::queue {

namespace {

constexpr std::int64_t last_time = 253'402'300'799'999;  // 9999-12-31T23:59:59.999Z
constexpr std::string_view time_form = "0000-00-00T00:00:00.000Z";

// The number at a fixed place of a text that was checked to hold digits there.
unsigned digits_at(std::string_view text, std::size_t at, std::size_t count) {
    unsigned value = 0;
    for (const char c : text.substr(at, count)) value = value * 10 + static_cast<unsigned>(c - '0');
    return value;
}

bool has_time_form(std::string_view text) {
    return text.size() == time_form.size() &&
           std::equal(text.begin(), text.end(), time_form.begin(), [](char c, char form) {
               return form == '0' ? c >= '0' && c <= '9' : c == form;
           });
}

}  // namespace

std::string_view Words::word() {
    if (!more_) return {};
    const std::size_t space = rest_.find(' ');
    const std::string_view result = rest_.substr(0, space);
    more_ = space != std::string_view::npos;
    rest_ = more_ ? rest_.substr(space + 1) : std::string_view();
    return result;
}

std::optional<std::string> Words::text() {
    const std::string_view encoded = word();
    auto decoded = percent_decoded(encoded);
    // Only one spelling counts: %41 for "A" was not written by us.
    if (!decoded || percent_encoded(*decoded) != encoded) return std::nullopt;
    return decoded;
}

std::optional<std::uint32_t> Words::number() {
    const std::string_view digits = word();
    const auto value = parse_decimal(digits);
    if (!value || *value > UINT32_MAX || (digits.size() > 1 && digits[0] == '0')) {
        return std::nullopt;
    }
    return static_cast<std::uint32_t>(*value);
}

std::optional<std::int64_t> Words::time() {
    return parse_time(word());
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::string hex8(std::uint32_t value) {
    std::array<char, 9> text{};
    std::snprintf(text.data(), text.size(), "%08x", static_cast<unsigned>(value));
    return text.data();
}

std::optional<std::uint32_t> parse_hex8(std::string_view text) {
    std::uint32_t value = 0;
    if (text.size() != 8) return std::nullopt;
    for (const char c : text) {
        const std::size_t digit = std::string_view("0123456789abcdef").find(c);
        if (digit == std::string_view::npos) return std::nullopt;
        value = value << 4 | static_cast<std::uint32_t>(digit);
    }
    return value;
}

std::string time_text(std::int64_t time) {
    const std::int64_t within = std::clamp<std::int64_t>(time, 0, last_time);
    return rfc3339_time(WallTime(std::chrono::milliseconds(within)));
}

std::optional<std::int64_t> parse_time(std::string_view text) {
    using namespace std::chrono;
    if (!has_time_form(text)) return std::nullopt;
    const year_month_day date{year(static_cast<int>(digits_at(text, 0, 4))),
                              month(digits_at(text, 5, 2)), day(digits_at(text, 8, 2))};
    const auto time_of_day = hours(digits_at(text, 11, 2)) + minutes(digits_at(text, 14, 2)) +
                             seconds(digits_at(text, 17, 2)) + milliseconds(digits_at(text, 20, 3));
    if (!date.ok()) return std::nullopt;
    const std::int64_t time =
        (milliseconds(sys_days(date).time_since_epoch()) + time_of_day).count();
    // Hours beyond 23 and the like, and years before 1970, come back as another text.
    if (time_text(time) != text) return std::nullopt;
    return time;
}

void append_crc(std::string& line, std::uint32_t seed) {
    const std::uint32_t crc = crc32c(line, seed);
    line.append(" ").append(hex8(crc));
}

std::optional<std::string_view> without_crc(std::string_view line, std::uint32_t seed) {
    constexpr std::size_t tail = 9;
    if (line.size() < tail || line[line.size() - tail] != ' ') return std::nullopt;
    const std::string_view text = line.substr(0, line.size() - tail);
    const auto crc = parse_hex8(line.substr(line.size() - tail + 1));
    if (!crc || *crc != crc32c(text, seed)) return std::nullopt;
    return text;
}

}  // namespace holdfast::queue
