// Takes from a process everything that its room does not need: uid, files, system calls. What is
// specific to Linux (seccomp, Landlock) stands in the files named *_linux.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "smtpd/base/error.h"
#include "smtpd/links/parent_room.h"

namespace holdfast {

// What a room may do beyond computing, its descriptors, memory and time.
enum class Power : std::uint8_t {
    accept,       // take connections from a listener that it was given
    threads,      // start threads (never processes)
    files,        // create, write, rename, unlink below `writable`
    reading,      // open files read-only, below `readable`
    unix_client,  // connect to local sockets (what NSS modules need)
    ip_client,    // connect to other machines, from ports that the kernel chooses
};

struct Confinement {
    std::vector<Power> powers;
    std::vector<std::string> readable;  // trees for Power::reading, as seen after chroot
    std::vector<std::string> writable;  // trees for Power::files, as seen after chroot
};

// In this order: chroot, groups and uid (as `start` says, where it is privileged), no core dumps,
// no new privileges, not dumpable, Landlock, seccomp. A call that is not allowed fails with EPERM
// (clone3 with ENOSYS, so that libc falls back): a libc that learns a new call degrades, and the
// room lives. A kernel without Landlock is logged once; the others are required.
Status confine(const links::Start& start, const Confinement& confinement);

// The last two steps alone, for a process that changes its user itself (the mda).
Status confine_calls(const Confinement& confinement);

}  // namespace holdfast
