// The table of rooms: all that the parent knows of one. A new room is a row here, its link and its
// folder.
#pragma once

#include <array>
#include <string_view>
#include <tuple>

#include "smtpd/links/parent_control.h"
#include "smtpd/links/parent_qmgr.h"
#include "smtpd/links/parent_smtpin.h"
#include "smtpd/links/parent_users.h"
#include "smtpd/links/snapshots.h"

namespace holdfast {

enum class RootFolder : std::uint8_t { empty, spool, none };

// A row: which link the parent has with the room, what it is given, which folder it sees.
struct SmtpinRow {
    static constexpr links::Room room = links::Room::smtpin;
    static constexpr RootFolder root = RootFolder::empty;
    static constexpr auto snapshot = &links::Plan::smtpin;
    using Out = links::ParentToSmtpin;
    using In = links::SmtpinToParent;
};

struct ControlRow {
    static constexpr links::Room room = links::Room::control;
    static constexpr RootFolder root = RootFolder::empty;
    static constexpr auto snapshot = &links::Plan::control;
    using Out = links::ParentToControl;
    using In = links::ControlToParent;
};

struct QmgrRow {
    static constexpr links::Room room = links::Room::qmgr;
    static constexpr RootFolder root = RootFolder::spool;
    static constexpr auto snapshot = &links::Plan::qmgr;
    using Out = links::ParentToQmgr;
    using In = links::QmgrToParent;
};

struct UsersRow {
    static constexpr links::Room room = links::Room::users;
    static constexpr RootFolder root = RootFolder::none;
    static constexpr auto snapshot = &links::Plan::users;
    using Out = links::ParentToUsers;
    using In = links::UsersToParent;
};

using AllRows = std::tuple<UsersRow, QmgrRow, ControlRow, SmtpinRow>;

// Which rooms talk to each other.
struct Pair {
    links::Room one;
    links::Room other;
};

inline constexpr std::array pairs{
    Pair{links::Room::smtpin, links::Room::qmgr},
    Pair{links::Room::control, links::Room::qmgr},
    Pair{links::Room::qmgr, links::Room::users},
    Pair{links::Room::control, links::Room::users},
};

// The order of a stop: who takes mail in goes first, whom others need goes last.
inline constexpr std::array stop_order{
    std::array{links::Room::smtpin, links::Room::control},
    std::array{links::Room::qmgr, links::Room::qmgr},
    std::array{links::Room::users, links::Room::users},
};

}  // namespace holdfast
