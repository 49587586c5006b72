#include "tests/smtpd/loop/turning.h"

#include <sys/socket.h>

#include "tests/catch.h"

namespace holdfast {

bool turn_until(Loop& loop, const std::function<bool()>& done) {
    bool late = false;
    Timer deadline(loop, [&] { late = true; });
    deadline.set(std::chrono::seconds(5));
    while (!done()) {
        if (late) return false;
        loop.turn();
    }
    return true;
}

std::pair<UniqueFd, UniqueFd> connected_sockets(int type) {
    int fds[2] = {-1, -1};
    REQUIRE(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) == 0);
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

}  // namespace holdfast
