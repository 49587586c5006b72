// The state that crosses an exec, in a sealed memfd: a head with magic, version and checksum, the
// facts of each descriptor, and a links::ParentState. Whoever takes over can tell a state that is
// damaged, or of a version that it does not know, or descriptors that are not what they were.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/links/handover.h"

namespace holdfast {

// What successor and predecessor agree on when it is the same; raised where members are not just
// appended.
inline constexpr std::uint32_t state_version = 1;

struct SealedState {
    UniqueFd memfd;
    std::vector<int> descriptors;  // borrowed from the state that was sealed
};

// Fails with the errno of memfd_create, write, fcntl or fstat.
Result<SealedState> seal_state(const links::ParentState& state);

// Takes the descriptors that the state names: they are the state's from here on, O_CLOEXEC; those
// of members that only a later program knows are left open. Fails, having taken none, where the
// state is damaged or from the future, or where a descriptor is not what it was.
Result<links::ParentState> open_state(int memfd);

// Makes the descriptors that a state names inheritable again, for another program that is to open
// it. Fails where it is none, or damaged.
Status leave_open(int memfd);

// A descriptor of this process that is neither standard, nor `memfd`, nor of the state.
struct Stray {
    int number = -1;
    std::string target;  // as /proc shows it
};
std::vector<Stray> stray_descriptors(int memfd, const links::ParentState& state);

}  // namespace holdfast
