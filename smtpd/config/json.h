// Diagnostics as a program reads them (--json). Pure.
#pragma once

#include <string>

#include "smtpd/config/diagnostic.h"

namespace holdfast::config {

// An array with one object for each: severity, file, line, column, length, message, expected,
// suggestion, notes. All members are always there. What is not UTF-8 becomes U+FFFD.
std::string to_json(const Diagnostics& diagnostics);

}  // namespace holdfast::config
