#include "smtpd/config/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

// Largest first: the order in which a duration may name them and in which values are shown.
constexpr std::array<Unit, 5> time_units{
    {{"w", 604800}, {"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}}};

constexpr std::array<Unit, 10> size_units{{{"GiB", 1ULL << 30},
                                           {"G", 1'000'000'000},
                                           {"GB", 1'000'000'000},
                                           {"MiB", 1ULL << 20},
                                           {"M", 1'000'000},
                                           {"MB", 1'000'000},
                                           {"KiB", 1024},
                                           {"K", 1000},
                                           {"KB", 1000},
                                           {"", 1}}};

// Takes the digits off the front of `text`; nothing where there are none or too many.
std::optional<std::uint64_t> take_digits(std::string_view& text) {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, problem] = std::from_chars(text.data(), end, value);
    if (problem != std::errc()) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    return value;
}

std::string_view take_letters(std::string_view& text) {
    const auto* const end = std::ranges::find_if(text, ascii::is_digit);
    const std::string_view letters(text.begin(), end);
    text.remove_prefix(letters.size());
    return letters;
}

std::optional<std::uint64_t> multiplied(std::uint64_t count, std::uint64_t factor) {
    std::uint64_t product = 0;
    if (__builtin_mul_overflow(count, factor, &product)) return std::nullopt;
    return product;
}

// What remains of the units once `name` has been used: those below it.
std::span<const Unit> below(std::span<const Unit> units, const Unit* used) {
    return units.subspan(static_cast<std::size_t>(used - units.data()) + 1);
}

std::string show_with(std::span<const Unit> units, std::uint64_t value) {
    if (value == 0) return "0" + std::string(units.back().name);
    const auto exact =
        std::ranges::find_if(units, [&](const Unit& unit) { return value % unit.factor == 0; });
    return std::to_string(value / exact->factor) + std::string(exact->name);
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
    const auto value = take_digits(text);
    return text.empty() ? value : std::nullopt;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    const auto count = take_digits(text);
    if (!count) return std::nullopt;
    const auto unit = std::ranges::find_if(
        size_units, [&](const Unit& candidate) { return ascii::equal(candidate.name, text); });
    if (unit == size_units.end()) return std::nullopt;
    return multiplied(*count, unit->factor);
}

std::optional<std::uint64_t> parse_duration(std::string_view text) {
    std::span<const Unit> units = time_units;
    std::uint64_t total = 0;
    if (text.empty()) return std::nullopt;
    while (!text.empty()) {
        const auto count = take_digits(text);
        const std::string_view letters = take_letters(text);
        const auto unit = std::ranges::find(units, letters, &Unit::name);
        if (!count || unit == units.end()) return std::nullopt;
        const auto part = multiplied(*count, unit->factor);
        if (!part || __builtin_add_overflow(total, *part, &total)) return std::nullopt;
        units = below(units, &*unit);
    }
    return total;
}

std::string show_number(std::uint64_t value) {
    return std::to_string(value);
}

std::string show_size(std::uint64_t bytes) {
    return show_with(size_units, bytes);
}

std::string show_duration(std::uint64_t seconds) {
    return show_with(time_units, seconds);
}

}  // namespace holdfast::config
