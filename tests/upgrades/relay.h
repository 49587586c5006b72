// Stands between the parent and a real room, and hands on what both say to each other as a room,
// or a parent, of a later version would: each message with more members than there are now, and
// among them messages of a kind that there is not.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace holdfast::upgrades {

struct Disguise {
    bool later = false;                     // as said above
    std::optional<std::size_t> withheld{};  // the room's message of this kind never gets through
};

// Starts `program` with a channel of its own and relays until either end is closed. The result is
// the exit status of the program, or 70 where it was killed.
int relay(const std::string& program, char** argv, const Disguise& disguise);

}  // namespace holdfast::upgrades
