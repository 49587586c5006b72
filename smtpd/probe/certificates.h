// Checks what cert statements name, before anybody serves with it: certificates that can be shown,
// and keys that are theirs. Sees private keys, in memory that is cleared, and keeps none.
#pragma once

#include <vector>

#include "smtpd/base/clock.h"
#include "smtpd/config/diagnostic.h"
#include "smtpd/config/settings.h"
#include "smtpd/probe/admin_file.h"

namespace holdfast::probe {

// Each at the word that names the file. An ACME client replaces key and certificate one after the
// other: a pair that does not fit is read again a few times, for a second in all, before that is
// an error (F11).
config::Diagnostics check_certificates(const AdminFiles& files,
                                       const std::vector<config::Cert>& certs, const Clock& clock);

}  // namespace holdfast::probe
