// Diagnostics as a person reads them:
//
//     smtpd.conf:3:8: error: unknown address "locahost"
//       listen locahost:25
//              ^~~~~~~~
//       expected: an IPv4 address, an IPv6 address in brackets, * or localhost
//       did you mean "localhost"?
//
// and as a program does (--json). Pure. What the file holds cannot reach the terminal as a control
// sequence.
#pragma once

#include <string>

#include "smtpd/config/diagnostic.h"

namespace holdfast::config {

std::string render(const Diagnostic& diagnostic);

// All of them, and a last line that counts those that were left out.
std::string render(const Diagnostics& diagnostics);

// {"ok":...,"diagnostics":[...]}: not ok with an error among them. One object for each: severity,
// file, line, column, length, message, expected, suggestion, notes; all members are always there.
std::string to_json(const Diagnostics& diagnostics);

}  // namespace holdfast::config
