// Restricts which files a process can reach, as an ordinary user too (Landlock).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "smtpd/base/error.h"

namespace holdfast {

enum class Network : std::uint8_t {
    closed,
    open,  // TCP ports may be bound and connected
};

// From here on this process reaches no file but those below `readable` (read) and `writable`
// (read, create, change), uses no TCP port beyond `network`, signals no process outside, as far as
// the kernel knows these. Fails with ENOSYS or EOPNOTSUPP where it knows nothing of Landlock, and
// with the errno of open(2) where a tree is not there. Needs no_new_privs.
Status restrict_files(std::span<const std::string> readable, std::span<const std::string> writable,
                      Network network);

}  // namespace holdfast
