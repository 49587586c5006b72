// Writes what sessions did into the log. The events are listed in smtpd(8).
#pragma once

#include <string>

#include "smtpd/base/clock.h"
#include "smtpd/smtpin/facts.h"

namespace holdfast::smtpin {

// `client` with its port; `age` of the session.
void report(const Fact& fact, const std::string& client, Duration age);

}  // namespace holdfast::smtpin
