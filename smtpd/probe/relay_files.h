// Checks the files that relay statements name, before mail depends on them: secrets that only
// their owner may read, and certificates to verify servers with. Sees secrets, in memory that is
// cleared, and keeps none.
#pragma once

#include <vector>

#include "smtpd/config/diagnostic.h"
#include "smtpd/config/settings.h"
#include "smtpd/probe/admin_file.h"

namespace holdfast::probe {

// Each file once, at the word that names it first; the certificates that this machine trusts at
// the first relay that needs them.
config::Diagnostics check_relay_files(const AdminFiles& files,
                                      const std::vector<config::Relay>& relays);

}  // namespace holdfast::probe
