// A room that has been taken over: the real parent starts it in the place of the real one, it
// confines itself just as that does, tries every act of acts.h, logs what came of each, and then
// sends random bytes to everybody it is introduced to. Its exposed twin skips the confinement,
// which shows that the acts can work.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "smtpd/base/packet.h"
#include "smtpd/confine/entry.h"
#include "smtpd/links/parent_room.h"
#include "smtpd/links/rooms.h"

namespace holdfast::owned {

void try_everything();

// A message to the parent, of the room's link.
template <class Message>
void tell(int parent, const Message& message) {
    links::Encoder encoder;
    encoder.put_frame(message);
    std::string packet;
    append_frame(packet, encoder.bytes);
    if (const auto sent = send_packet(parent, packet); !sent) exit_with(sent.error());
}

// Collects the channels that the parent hands out until it says Go. `take`: whether a packet is
// something else.
std::vector<UniqueFd> meet_everybody(int parent, const std::function<bool(Packet&)>& take);

// Sends random bytes on each channel, and last to the parent, which then ends this process.
[[noreturn]] void attack_everybody(std::span<const UniqueFd> channels, int parent);

}  // namespace holdfast::owned
