// Cuts one line of an alias file into its name and targets, quotes and commas minded. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "smtpd/config/lexer.h"

namespace holdfast::config {

inline constexpr std::size_t max_alias_line = 64 * 1024;  // bytes

struct AliasItem {
    std::string text;  // without the quotation marks where they enclose all of it
    std::string raw;   // as it stands in the line
    std::uint32_t column = 1;
    std::uint32_t length = 0;
};

class AliasItems {
  public:
    explicit AliasItems(std::string_view line) : line_(line) {}

    // What stands before the colon, which is taken too.
    std::expected<AliasItem, Fault> take_name();

    // The next target, and the comma behind it; nothing at the end of the line or at a comment.
    std::expected<std::optional<AliasItem>, Fault> take_target();

  private:
    bool at_end() const { return at_ >= line_.size(); }
    void skip_spaces();
    std::expected<AliasItem, Fault> take_until(char stop);
    std::optional<Fault> skip_quoted();
    AliasItem item(std::size_t begin) const;

    std::string_view line_;
    std::size_t at_ = 0;
};

}  // namespace holdfast::config
