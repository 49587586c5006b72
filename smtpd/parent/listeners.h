// The listening sockets of the house, which outlive every room: bound before any room is replaced
// or told to serve, shared by all generations, held for as long as smtpd.conf names them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/links/snapshots.h"

namespace holdfast {

struct BoundListener {
    links::ListenPlan plan;
    UniqueFd socket;
};

// Whether both are one socket address.
bool same_address(const links::ListenPlan& one, const links::ListenPlan& other);

// A socket that somebody has kept under the name `text` (ListenPlan::text) for the process that
// comes after his own. Nothing where it is no TCP socket that listens.
std::optional<BoundListener> recognise_listener(std::string text, UniqueFd socket);

// From one configuration to the next. Nobody notices it before listen_on_added().
struct ListenerChange {
    std::vector<BoundListener> next;   // kept ones share their socket with the old
    std::vector<std::size_t> added;    // of those, which don't listen yet
    std::vector<std::string> leaving;  // addresses that the next configuration does not have
};

// Binds what `plans` has beyond `current`; all or nothing. What need only be there where the
// machine has it (ListenPlan::if_available) may be missing while something is left. The error names
// the line of smtpd.conf, the address and what to do.
//
// The same port on all addresses and on one of them: Linux refuses the second listener unless both
// have SO_REUSEPORT, and then hands a connection to the more specific one. So a specific listener
// that a new wildcard covers stays beside it, with the wildcard's TLS mode, and a wildcard that
// gives way to a specific listener is left to the old generation for the handshakes that it has
// begun.
Result<ListenerChange> plan_listeners(const std::vector<BoundListener>& current,
                                      const std::vector<links::ListenPlan>& plans);

// Fails with the line of smtpd.conf, the address and the reason.
Status listen_on_added(const ListenerChange& change);

}  // namespace holdfast
