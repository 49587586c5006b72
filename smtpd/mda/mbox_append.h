// One append to a locked mailbox: what a dead agent left is undone, what is there already is
// found, the rest is written, and a message that can't be written leaves nothing.
#pragma once

#include <span>
#include <vector>

#include "queue/verdict.h"
#include "smtpd/mda/content.h"
#include "smtpd/mda/dot_lock.h"

namespace holdfast::mda {

// `fd` is the mailbox (O_APPEND) in `folder`, `lock` is held. The contents end with a blank line.
// Returns what Mbox::store() returns.
std::vector<Outcome> append_to_mbox(int fd, int folder, DotLock& lock,
                                    std::span<const Parcel> batch);

}  // namespace holdfast::mda
