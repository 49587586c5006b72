#include "smtpd/parent/outfit.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "smtpd/base/descriptors.h"

namespace holdfast {

links::Start Outfit::first_message(const UniqueFd& snapshot) const {
    links::Start start;
    start.generation = generation;
    start.privileged = privileged;
    start.log_form = log_form;
    start.log = duplicate(log);
    start.snapshot = duplicate(snapshot.get());
    return start;
}

UniqueFd duplicate(int fd) {
    return UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

Result<std::pair<UniqueFd, UniqueFd>> make_channel(DescriptorsPass pass) {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return errno_error("make a channel");
    }
    if (pass == DescriptorsPass::no) {
        for (const int end : ends) refuse_descriptors(end);
    }
    return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

std::uint64_t whole_seconds(Duration duration) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

}  // namespace holdfast
