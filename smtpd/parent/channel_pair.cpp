#include <fcntl.h>
#include <sys/socket.h>

#include "smtpd/parent/resident.h"

namespace holdfast {

UniqueFd duplicate(int fd) {
    return UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

Result<std::pair<UniqueFd, UniqueFd>> make_channel() {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return errno_error("make a channel");
    }
    return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

}  // namespace holdfast
