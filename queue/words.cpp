#include "queue/words.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <ctime>

#include "smtpd/base/clock.h"
#include "smtpd/base/crc32c.h"
#include "smtpd/base/quote.h"

namespace holdfast::queue {

namespace {

constexpr std::int64_t last_time = 253'402'300'799'999;  // 9999-12-31T23:59:59.999Z
constexpr std::array<std::string_view, 4> notify_names{"never", "success", "failure", "delay"};

// All of `text`, no more than fits.
std::optional<std::uint32_t> parse_number(std::string_view text, int base) {
    std::uint32_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value, base);
    if (error != std::errc() || stop != end) return std::nullopt;
    return value;
}

}  // namespace

std::string word_of(const std::string& text) {
    return percent_encoded(text);
}

std::string word_of(std::uint32_t number) {
    return std::to_string(number);
}

std::string word_of(std::uint8_t notify) {
    std::string text;
    for (std::size_t bit = 0; bit < notify_names.size(); ++bit) {
        if ((notify >> bit & 1) == 0) continue;
        text.append(text.empty() ? "" : ",").append(notify_names.at(bit));
    }
    return text.empty() ? "none" : text;
}

std::string word_of(std::int64_t time) {
    const std::int64_t within = std::clamp<std::int64_t>(time, 0, last_time);
    return rfc3339_time(WallTime(std::chrono::milliseconds(within)));
}

std::string word_of(const MessageId& id) {
    return id.text();
}

template <>
std::optional<std::string> parse_word(std::string_view word) {
    return percent_decoded(word);
}

template <>
std::optional<std::uint32_t> parse_word(std::string_view word) {
    return parse_number(word, 10);
}

template <>
std::optional<std::uint8_t> parse_word(std::string_view word) {
    for (std::uint8_t value = 0; value < 16; ++value) {
        if (word_of(value) == word) return value;
    }
    return std::nullopt;
}

template <>
std::optional<std::int64_t> parse_word(std::string_view word) {
    tm at{};
    const std::string text(word);
    const char* const fraction = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S.", &at);
    if (fraction == nullptr) return std::nullopt;
    const std::size_t length = text.size() - static_cast<std::size_t>(fraction - text.c_str());
    const auto milliseconds = parse_number(word.substr(word.size() - length, 3), 10);
    if (!milliseconds) return std::nullopt;
    return std::int64_t{timegm(&at)} * 1000 + *milliseconds;
}

template <>
std::optional<MessageId> parse_word(std::string_view word) {
    return MessageId::parse(word);
}

std::string_view Words::word() {
    if (!more_) return {};
    const std::size_t space = rest_.find(' ');
    const std::string_view result = rest_.substr(0, space);
    more_ = space != std::string_view::npos;
    rest_ = more_ ? rest_.substr(space + 1) : std::string_view();
    return result;
}

std::string hex8(std::uint32_t value) {
    std::array<char, 9> text{};
    std::snprintf(text.data(), text.size(), "%08x", static_cast<unsigned>(value));
    return text.data();
}

void append_crc(std::string& line, std::uint32_t seed) {
    const std::uint32_t crc = crc32c(line, seed);
    line.append(" ").append(hex8(crc));
}

std::optional<std::string_view> without_crc(std::string_view line, std::uint32_t seed) {
    constexpr std::size_t tail = 9;
    if (line.size() < tail) return std::nullopt;
    const std::string_view text = line.substr(0, line.size() - tail);
    if (line.substr(text.size()) != " " + hex8(crc32c(text, seed))) return std::nullopt;
    return text;
}

}  // namespace holdfast::queue
