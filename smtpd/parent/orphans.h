// The listening sockets of a smtpd that was killed: the rooms that it left hold them still, and a
// new smtpd takes them out of their hands. What it needs to know them is written down while all is
// well.
#pragma once

#include <string>
#include <vector>

#include "smtpd/base/error.h"
#include "smtpd/parent/listeners.h"

namespace holdfast {

// Writes to `path`, in one step, what tells these sockets from all others.
Status record_listeners(const std::string& path, const std::vector<BoundListener>& listeners);

// What is found of the record; nothing without one, or without the right to look into other
// processes (pidfd_getfd(2)).
struct Orphans {
    std::vector<BoundListener> listeners;
    std::vector<UniqueFd> rooms;  // those that accept on them, as pidfds
};
Orphans find_orphans(const std::string& path);

// They leave the listeners to us, and finish their sessions (smtpin/room.h).
void relieve(const std::vector<UniqueFd>& rooms);

}  // namespace holdfast
