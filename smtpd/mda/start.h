// How an agent begins: it learns from the parent for whom it is, finds out who that is, becomes
// that user, opens the mailbox and confines itself. Only then does it read from qmgr.
#pragma once

#include <string>

#include "smtpd/base/unique_fd.h"
#include "smtpd/links/parent_room.h"
#include "smtpd/mda/mailbox.h"

namespace holdfast::mda {

struct Assignment {
    UniqueFd parent;
    links::Start start;
    std::string user;
    UniqueFd qmgr;
};

// Reads Start, User and Peer from the parent; ends the process where it says something else.
Assignment receive_assignment();

// Ends as that user, or as nobody where the user has no mailbox to deliver to: never as root. Ends
// the process where even that fails.
Mailbox settle(const Assignment& assignment);

// Tells the parent that the agent stands.
void report_ready(const Assignment& assignment);

}  // namespace holdfast::mda
