// parent <-> users.
#pragma once

#include "smtpd/links/parent_room.h"

namespace holdfast::links {

using ParentToUsers = std::variant<Start, Peer, Go, Drain, NewLog>;
using UsersToParent = std::variant<Ready, Malformed, LogLost, Serving>;

}  // namespace holdfast::links
