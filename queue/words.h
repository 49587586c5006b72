// Lines of words: how queue files and seen/ files are written and read. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace holdfast::queue {

// Takes words off a line; exactly one space stands between two.
class Words {
  public:
    explicit Words(std::string_view line) : rest_(line), more_(!line.empty()) {}

    bool more() const { return more_; }
    // The next word as it stands; empty where there is none, which no word that we write is.
    std::string_view word();
    // Each of these is nothing where the next word is not exactly what would have been written.
    std::optional<std::string> text();  // percent encoded
    std::optional<std::uint32_t> number();
    std::optional<std::int64_t> time();
    // The place of the next word among `names`.
    template <std::size_t size>
    std::optional<std::size_t> choice(const std::array<std::string_view, size>& names) {
        const std::string_view found = word();
        for (std::size_t i = 0; i < size; ++i) {
            if (names.at(i) == found) return i;
        }
        return std::nullopt;
    }

  private:
    std::string_view rest_;
    bool more_;
};

// Decimal digits only, all of `text`; no more than fit.
std::optional<std::uint64_t> parse_decimal(std::string_view text);

// Eight digits of lower-case hexadecimal.
std::string hex8(std::uint32_t value);
std::optional<std::uint32_t> parse_hex8(std::string_view text);

// "2026-11-21T07:50:18.123Z", milliseconds since 1970; outside 1970 to 9999 the nearest end.
std::string time_text(std::int64_t time);
std::optional<std::int64_t> parse_time(std::string_view text);

// Adds " " and the CRC of `line`; and takes them off again, nothing where they don't fit.
void append_crc(std::string& line, std::uint32_t seed);
std::optional<std::string_view> without_crc(std::string_view line, std::uint32_t seed);

}  // namespace holdfast::queue
