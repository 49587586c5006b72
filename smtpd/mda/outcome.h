// Verdicts in words: one line each, naming the thing, the place and what to do.
#pragma once

#include <string_view>

#include "queue/verdict.h"
#include "smtpd/base/error.h"

namespace holdfast::mda {

Outcome delivered(std::string_view place);
Outcome refused(std::string_view enhanced, std::string_view text);
Outcome retry(std::string_view enhanced, std::string_view text);

// Why nothing was stored this time. The status follows from the errno: 4.3.1 for a full file
// system, 4.2.2 for a user's quota, else 4.3.0.
Outcome retry_after(const Error& error);

}  // namespace holdfast::mda
