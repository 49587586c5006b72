// The table of rooms (rooms.cpp): all that the parent knows of one. A new room is a row of it, its
// link, here and there, and its folder.
#pragma once

#include <array>
#include <span>
#include <variant>

#include "smtpd/base/error.h"
#include "smtpd/links/parent_control.h"
#include "smtpd/links/parent_qmgr.h"
#include "smtpd/links/parent_relay.h"
#include "smtpd/links/parent_signer.h"
#include "smtpd/links/parent_smtpin.h"
#include "smtpd/links/parent_users.h"
#include "smtpd/links/snapshots.h"
#include "smtpd/loop/channel.h"
#include "smtpd/parent/outfit.h"

namespace holdfast {

class Resident;

// Empty, or the link with one room.
using RoomChannel =
    std::variant<std::monostate, Channel<links::ParentToSmtpin, links::SmtpinToParent>,
                 Channel<links::ParentToControl, links::ControlToParent>,
                 Channel<links::ParentToQmgr, links::QmgrToParent>,
                 Channel<links::ParentToUsers, links::UsersToParent>,
                 Channel<links::ParentToSigner, links::SignerToParent>,
                 Channel<links::ParentToRelay, links::RelayToParent>>;

enum class RootFolder : std::uint8_t { empty, spool, none };

struct RoomRow {
    links::Room room;
    RootFolder root;     // what it sees of the file system
    bool accepts;        // connections of clients; says NotAccepting after Drain
    unsigned stop_step;  // lower ones end first: who takes mail in, then whom others need
    Result<UniqueFd> (*seal)(const links::Plan& plan);  // its snapshot
    void (*open)(RoomChannel& channel, Loop& loop, UniqueFd socket, Resident& handler);
};

// In the order in which rooms are started.
std::span<const RoomRow> room_table();

// Where two rooms talk to each other.
struct Pair {
    links::Room one;
    links::Room other;
    DescriptorsPass descriptors = DescriptorsPass::no;
};

inline constexpr std::array pairs{
    Pair{links::Room::smtpin, links::Room::qmgr},
    Pair{links::Room::control, links::Room::qmgr, DescriptorsPass::yes},
    Pair{links::Room::qmgr, links::Room::users},
    Pair{links::Room::control, links::Room::users},
    Pair{links::Room::smtpin, links::Room::signer},
    Pair{links::Room::qmgr, links::Room::relay},
};

}  // namespace holdfast
