// parent <-> relay: the files that relay needs and could not open: it sees no file system.
#pragma once

#include <string>

#include "smtpd/links/parent_room.h"

namespace holdfast::links {

// Open this one of RelaySnapshot::files now, as it is at this moment: a secret that was changed is
// used at the next login. One File answers each, in their order.
struct FileWanted {
    std::uint32_t number = 0;
};

struct File {
    std::uint32_t number = 0;
    UniqueFd file;      // to be read from its beginning; none where it cannot be had
    std::string error;  // why not, with the path
};

using ParentToRelay = std::variant<Start, Peer, Go, Drain, NewLog, File>;
using RelayToParent = std::variant<Ready, Malformed, LogLost, Serving, FileWanted>;

}  // namespace holdfast::links
