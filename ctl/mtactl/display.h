// Values as people read them on a terminal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/base/clock.h"

namespace holdfast::mtactl {

// "512 B", "1.5 KiB", "48 MiB".
std::string size_text(std::uint64_t bytes);

// The age of a point in time (milliseconds since 1970), "0s" where it lies ahead.
std::string age_text(std::int64_t since, WallTime now);

// "2026-11-21T07:50:18Z".
std::string time_text(std::int64_t milliseconds);

// "1 message", "2 messages".
std::string count_text(std::uint64_t count, std::string_view noun);

// Columns as wide as their widest cell, two spaces apart; the first row is the heading. Cells are
// safe already.
class Table {
  public:
    enum class Align : std::uint8_t { left, right };

    explicit Table(std::vector<Align> columns) : columns_(std::move(columns)) {}

    // One cell for each column.
    void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
    std::string text() const;

  private:
    std::vector<Align> columns_;
    std::vector<std::vector<std::string>> rows_;
};

}  // namespace holdfast::mtactl
