// What every room and agent of a generation is started with.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "smtpd/base/clock.h"
#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/links/parent_room.h"
#include "smtpd/parent/image.h"

namespace holdfast {

struct Outfit {
    std::shared_ptr<const Image> image;
    std::string spool;
    std::string empty;   // a folder with nothing in it
    std::string roster;  // the file of roster.h
    std::uint32_t generation = 1;
    bool privileged = false;
    int log = -1;  // borrowed
    log::Form log_form = log::Form::stream;

    // The first message to a process: all but who it is and which folder it sees.
    links::Start first_message(const UniqueFd& snapshot) const;
};

// For this process and `image`: all but generation and log.
Outfit make_outfit(std::shared_ptr<const Image> image);

UniqueFd duplicate(int fd);

// Whether the limit of open files leaves room for another generation, and for a state of all that
// there is. Asked before a change is begun: in the midst of it nothing can be done without.
Status enough_descriptors();

// Whether a channel may carry descriptors, from birth (base/descriptors.h): a room that has been
// broken into finds no moment before its peer has taken up the channel.
enum class DescriptorsPass : std::uint8_t { yes, no };

// Both ends of a channel, O_CLOEXEC. Fails with the errno of socketpair(2).
Result<std::pair<UniqueFd, UniqueFd>> make_channel(DescriptorsPass pass = DescriptorsPass::yes);

std::uint64_t whole_seconds(Duration duration);

}  // namespace holdfast
