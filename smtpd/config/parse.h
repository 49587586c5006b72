// smtpd.conf from text to settings: every line is looked at, every independent error reported.
// Pure: other files that the text names are only named in the result.
#pragma once

#include <cstddef>
#include <string_view>

#include "smtpd/config/diagnostic.h"
#include "smtpd/config/settings.h"

namespace holdfast::config {

inline constexpr std::size_t max_config = std::size_t{1} << 20;  // bytes

// `file` is the name for messages. Each value is checked; between statements, repetitions and
// contradictions are. With errors the settings are incomplete.
Checked<Settings> parse(std::string_view text, std::string_view file);

// The text that stands for a missing file: the built-in default.
Checked<Settings> parse_default();

}  // namespace holdfast::config
