// What the room keeps when it begins: its spool, threads for the disk, and nothing else.
#pragma once

#include "smtpd/confine/confine.h"
#include "smtpd/confine/entry.h"
#include "smtpd/qmgr/room.h"

namespace holdfast::qmgr {

Confinement confinement();

// Opens the spool and what belongs to it; logs and ends the process where that fails.
Room::Setup open_or_exit(Loop& loop, Entry<links::QmgrSnapshot> entry);

}  // namespace holdfast::qmgr
