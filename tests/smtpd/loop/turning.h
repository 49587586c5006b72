// Turns a loop until something has happened, with a deadline: a test that fails does not hang.
#pragma once

#include <functional>
#include <utility>

#include "smtpd/base/unique_fd.h"
#include "smtpd/loop/loop.h"
#include "smtpd/loop/watch.h"

namespace holdfast {

// False where `done` did not happen within five seconds.
bool turn_until(Loop& loop, const std::function<bool()>& done);

// Two connected sockets of this type (SOCK_SEQPACKET, SOCK_STREAM | SOCK_NONBLOCK).
std::pair<UniqueFd, UniqueFd> connected_sockets(int type);

}  // namespace holdfast
