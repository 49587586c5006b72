// Numbers, sizes and durations as smtpd.conf writes them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::config {

// "1000".
std::optional<std::uint64_t> parse_number(std::string_view text);

// Bytes: "4096", "50M" (or "50MB", millions), "64KiB" (times 1024). Case does not count.
std::optional<std::uint64_t> parse_size(std::string_view text);

// Seconds: "90s", "15m", "4h", "4d", "2w", "1h30m" (larger units first, each at most once).
std::optional<std::uint64_t> parse_duration(std::string_view text);

// The shortest of those forms for a value: "50M", "90m".
std::string show_number(std::uint64_t value);
std::string show_size(std::uint64_t bytes);
std::string show_duration(std::uint64_t seconds);

// One kind of value, for whoever reads it and has to say what was expected.
struct Quantity {
    std::string_view noun;      // "duration"
    std::string_view examples;  // "4h or 1h30m"
    std::optional<std::uint64_t> (*parse)(std::string_view);
    std::string (*show)(std::uint64_t);
};

inline constexpr Quantity a_number{"number", "", parse_number, show_number};
inline constexpr Quantity a_size{"size", "50M or 64KiB", parse_size, show_size};
inline constexpr Quantity a_duration{"duration", "90s, 4h or 1d12h", parse_duration, show_duration};

// Both ends included.
struct Range {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
};

}  // namespace holdfast::config
