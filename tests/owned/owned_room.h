// A room that has been taken over: it is started by the real parent in the place of the real one,
// confines itself just as that does, tries every act of acts.h, logs what came of each, and then
// sends random bytes to everybody it is introduced to.
#pragma once

#include <cstdint>

#include "smtpd/confine/confine.h"
#include "smtpd/links/rooms.h"

namespace holdfast::owned {

enum class Mode : std::uint8_t {
    confined,
    exposed,  // skips the confinement: shows that the acts can work
};

// The room's own way to confine itself.
using Confine = Status (*)(const links::Start& start);

[[noreturn]] void run(links::Room room, Confine confine, Mode mode);

}  // namespace holdfast::owned
