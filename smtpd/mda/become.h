// Gives up root for good.
#pragma once

#include "smtpd/base/error.h"
#include "smtpd/mda/account.h"

namespace holdfast::mda {

// Changes groups, then gids, then uids, checks each call, and that there is no way back (F35): on
// failure it may be part of the way, and must do nothing but try another identity or end. Refuses
// uid 0.
Status become(const Identity& identity);

// The overflow uid: owns nothing.
Identity nobody();

}  // namespace holdfast::mda
