// A room that has been taken over: the real parent starts it in the place of the real one, it
// confines itself just as that does, tries every act of acts.h, logs what came of each, and then
// sends random bytes to everybody it is introduced to. Its exposed twin skips the confinement,
// which shows that the acts can work.
#pragma once

#include <span>

#include "smtpd/links/parent_room.h"
#include "smtpd/links/rooms.h"

namespace holdfast::owned {

void try_everything();

// Sends noise, and frames that begin like real ones, until the peer hangs up or has had enough.
void attack(int channel);

// Says Ready, attacks everybody that the parent introduces, and last the parent.
[[noreturn]] void haunt(int parent);

}  // namespace holdfast::owned
