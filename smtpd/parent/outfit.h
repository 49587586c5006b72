// What every room and agent of a generation is started with.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "smtpd/base/clock.h"
#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/links/parent_room.h"

namespace holdfast {

struct Outfit {
    std::string libexec;  // folder of the executables
    std::string spool;
    std::string empty;  // a folder with nothing in it
    std::uint32_t generation = 1;
    bool privileged = false;
    int log = -1;  // borrowed
    log::Form log_form = log::Form::stream;

    // The first message to a process: all but who it is and which folder it sees.
    links::Start first_message(const UniqueFd& snapshot) const;
};

UniqueFd duplicate(int fd);

// Whether a channel may carry descriptors, from birth (base/descriptors.h): a room that has been
// broken into finds no moment before its peer has taken up the channel.
enum class DescriptorsPass : std::uint8_t { yes, no };

// Both ends of a channel, O_CLOEXEC. Fails with the errno of socketpair(2).
Result<std::pair<UniqueFd, UniqueFd>> make_channel(DescriptorsPass pass = DescriptorsPass::yes);

std::uint64_t whole_seconds(Duration duration);

}  // namespace holdfast
