// What every client and every drop file needs of the room.
#pragma once

#include "smtpd/control/large_turn.h"
#include "smtpd/control/parent_link.h"
#include "smtpd/control/qmgr_link.h"
#include "smtpd/control/users_link.h"
#include "smtpd/links/snapshots.h"
#include "smtpd/loop/loop.h"

namespace holdfast::control {

struct House {
    Loop& loop;
    const links::ControlSnapshot& snapshot;
    ParentLink& parent;
    QmgrLink& qmgr;
    UsersLink& users;
    LargeTurn& large_turn;
};

}  // namespace holdfast::control
