// parent <-> mda: one Start, one User, one Peer; nothing comes back but Ready.
#pragma once

#include "smtpd/links/parent_room.h"

namespace holdfast::links {

// For whom this agent delivers.
struct User {
    std::string name;
};

using ParentToMda = std::variant<Start, Peer, User>;
using MdaToParent = std::variant<Ready>;

}  // namespace holdfast::links
