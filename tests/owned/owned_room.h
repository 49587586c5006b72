// A room that has been taken over: the real parent starts it in the place of the real one, it
// confines itself just as that does, tries every act of acts.h, logs what came of each, and then
// sends random bytes to everybody it is introduced to. Its exposed twin skips the confinement,
// which shows that the acts can work.
#pragma once

#include <span>
#include <vector>

#include "smtpd/links/parent_room.h"
#include "smtpd/links/rooms.h"

namespace holdfast::owned {

void try_everything();

// Says Ready and collects what the parent hands out until it says Go.
std::vector<UniqueFd> meet_everybody(int parent);

// Sends random bytes on each channel, and last to the parent, which then ends this process.
[[noreturn]] void attack_everybody(std::span<const UniqueFd> channels, int parent);

}  // namespace holdfast::owned
