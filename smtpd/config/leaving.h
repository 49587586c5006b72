// Statements about mail that leaves this machine, beside which way it takes: what becomes of its
// addresses, and mail that is all to go to one place. Pure.
#pragma once

#include <span>
#include <string>

#include "smtpd/config/diagnostic.h"
#include "smtpd/config/reading.h"
#include "smtpd/config/settings.h"

namespace holdfast::config {

// Behind `masquerade`, `redirect` and `rewrite`.
void read_masquerade(Reading& words, Settings& settings);
void read_redirect(Reading& words, Settings& settings);
void read_rewrite(Reading& words, Settings& settings);

// Whether mail can leave at all.
bool has_way_out(const Settings& settings);

// Warns of statements that mean nothing where no mail leaves.
Diagnostics check_leaving(const Settings& settings);

// All mail to an address elsewhere, and no way there. `local_domains`: lower case, sorted.
Diagnostics check_redirect(const Settings& settings, std::span<const std::string> local_domains);

}  // namespace holdfast::config
