// Hands a submission over to the daemon, or leaves it where the daemon will find it.
#pragma once

#include <string>

#include "ctl/client/outcome.h"
#include "ctl/sendmail/site.h"
#include "ctl/sendmail/submission.h"

namespace holdfast::sendmail {

enum class Taker : std::uint8_t { daemon, drop };

// On success the message is on disk, once, and whoever took it is named. The same id goes into
// every attempt, so that whatever arrives twice is known to be one message.
Attempt<Taker> hand_over(const Submission& submission, const Site& site);

// The daemon's own words about why not; its status where that is one of ours.
Attempt<void> as_attempt(const links::Answer& answer);

}  // namespace holdfast::sendmail
