// Who is at the other end of a local socket, as the kernel says. Specific to Linux.
#pragma once

#include <cstdint>

#include "smtpd/base/error.h"

namespace holdfast::control {

struct LocalPeer {
    std::uint32_t uid = 0;
    std::int32_t pid = 0;
};

// As they were when the peer connected: who has dropped his privileges since has not gained any.
Result<LocalPeer> local_peer(int socket);

}  // namespace holdfast::control
