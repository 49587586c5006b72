#include "ctl/mtactl/display.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace holdfast::mtactl {

namespace {

// Of a terminal, as long as no character is double or combining: addresses and log texts.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

std::string size_text(std::uint64_t bytes) {
    static constexpr std::array units{"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) return std::to_string(bytes) + " B";
    double value = static_cast<double>(bytes) / 1024;
    std::size_t unit = 0;
    for (; value >= 1023.5 && unit + 1 < units.size(); ++unit) value /= 1024;
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), value < 9.95 ? "%.1f %s" : "%.0f %s", value,
                  units.at(unit));
    return text.data();
}

std::string age_text(std::int64_t since, WallTime now) {
    const auto age = now.time_since_epoch() - std::chrono::milliseconds(since);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(age);
    if (seconds <= std::chrono::seconds(0)) return "0s";
    return short_duration(seconds);
}

std::string time_text(std::int64_t milliseconds) {
    std::string text = rfc3339_time(WallTime(std::chrono::milliseconds(milliseconds)));
    const std::size_t fraction = text.find('.');
    return text.substr(0, fraction) + "Z";
}

std::string count_text(std::uint64_t count, std::string_view noun) {
    return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string Table::text() const {
    std::vector<std::size_t> widths(columns_.size(), 0);
    for (const auto& row : rows_) {
        for (std::size_t i = 0; i < widths.size(); ++i) {
            widths[i] = std::max(widths[i], width(row.at(i)));
        }
    }
    std::string out;
    for (const auto& row : rows_) {
        std::string line;
        for (std::size_t i = 0; i < widths.size(); ++i) {
            const std::string padding(widths[i] - width(row[i]), ' ');
            line += columns_[i] == Align::left ? row[i] + padding : padding + row[i];
            line += "  ";
        }
        out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    }
    return out;
}

}  // namespace holdfast::mtactl
