// The language of smtpd.conf: one row a statement. A new statement is a row here, a function that
// reads its values, and a paragraph of smtpd.conf(5); a test holds the three together.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "smtpd/config/reading.h"
#include "smtpd/config/settings.h"

namespace holdfast::config {

enum class Repeat : std::uint8_t { once, often };

struct Statement {
    std::string_view name;    // its leading word or two
    std::string_view syntax;  // whole, as in smtpd.conf(5)
    Repeat repeat;
    // Takes the words after the name and changes the settings accordingly.
    void (*read)(Reading& words, Settings& settings);

    std::string_view first_word() const { return name.substr(0, name.find(' ')); }
    // Empty where the name is a single word.
    std::string_view second_word() const { return name.substr(first_word().size() + !is_single()); }
    bool is_single() const { return first_word().size() == name.size(); }
};

// Sorted by name.
std::span<const Statement> statements();

}  // namespace holdfast::config
