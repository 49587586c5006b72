// The way in while no daemon answers: a file in drop/, which the daemon takes up when it is back.
#pragma once

#include <cstdint>

#include "ctl/client/outcome.h"
#include "ctl/sendmail/site.h"
#include "ctl/sendmail/submission.h"

namespace holdfast::sendmail {

enum class DaemonMayHaveIt : std::uint8_t { no, yes };

// Writes the submission, synced, under a name that the daemon overlooks, gives it its own name,
// and syncs the folder; only then is it accepted. Any failure leaves nothing behind and says what
// was tried.
//
// A failed sync of the folder leaves it open whether the name is on disk. The file is then taken
// back, and that is a failure like any other; where it is gone already, the daemon has taken it
// up, which is a success: it deletes nothing that is not in its queue.
//
// A signal that asks the process to end is obeyed until the last moment, unless the daemon may
// have taken the message over the socket: then a second copy does no harm, and an end would lie.
Attempt<void> drop(const Submission& submission, const Site& site, DaemonMayHaveIt daemon);

}  // namespace holdfast::sendmail
