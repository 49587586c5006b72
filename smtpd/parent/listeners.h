// The listening sockets of the plan: bound before any room is replaced or told to serve, held by
// the parent for as long as smtpd.conf names them.
#pragma once

#include <string>
#include <vector>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/links/snapshots.h"

namespace holdfast {

struct BoundListener {
    std::string address;
    UniqueFd socket;
    std::string place;  // the line of smtpd.conf
};

// Binds and listens on everything that the plan names, or on nothing; but what need only be there
// where the machine has it (ListenPlan::if_available) may be missing while something is left. The
// error names the line of smtpd.conf, the address and what to do.
Result<std::vector<BoundListener>> bind_listeners(const std::vector<links::ListenPlan>& plans);

}  // namespace holdfast
