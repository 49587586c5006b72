// Who each room is: names to numbers, once, so that no room needs the user database to start.
// The only part of the probe that speaks NSS; it does so before the probe confines itself.
#pragma once

#include "smtpd/config/diagnostic.h"
#include "smtpd/config/plan.h"

namespace holdfast::probe {

// Run by root: every room's own user. Else no identities, and the caller's own numbers for mail.
config::Checked<config::Accounts> look_up_accounts();

}  // namespace holdfast::probe
