#include "tests/upgrades/relay.h"

#include <array>
#include <cstdlib>

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "smtpd/base/packet.h"
#include "smtpd/links/parent_room.h"
#include "tests/upgrades/act.h"

namespace holdfast::upgrades {

namespace {

constexpr std::string_view unknown_frame("\xff\x7fof another kind", 17);

std::size_t kind_of(std::string_view frame) {
    return static_cast<unsigned char>(frame.at(0)) | static_cast<unsigned char>(frame.at(1)) << 8U;
}

std::string disguised(std::string_view packet, const Disguise& disguise) {
    std::string result;
    while (const auto frame = take_frame(packet)) {
        if (kind_of(*frame) == disguise.withheld) continue;
        append_frame(result, std::string(*frame) + (disguise.later ? "and more" : ""));
    }
    return result;
}

// False at the end of the stream.
bool hand_on(int from, int to, const Disguise& disguise) {
    const auto packet = receive_packet(from);
    if (!packet || packet->bytes.empty()) return false;
    std::vector<int> fds;
    for (const UniqueFd& fd : packet->fds) fds.push_back(fd.get());
    const std::string bytes = disguised(packet->bytes, disguise);
    if (!bytes.empty() && !send_packet(to, bytes, fds)) return false;
    if (!disguise.later) return true;
    std::string more;
    append_frame(more, unknown_frame);
    return send_packet(to, more).has_value();
}

void relay_until_the_end(int room, const Disguise& disguise) {
    const Disguise to_room{disguise.later};
    std::array<pollfd, 2> ends{{{links::parent_fd, POLLIN, 0}, {room, POLLIN, 0}}};
    while (poll(ends.data(), ends.size(), -1) > 0) {
        if (ends[0].revents != 0 && !hand_on(links::parent_fd, room, to_room)) return;
        if (ends[1].revents != 0 && !hand_on(room, links::parent_fd, disguise)) return;
    }
}

}  // namespace

int relay(const std::string& program, char** argv, const Disguise& disguise) {
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return EX_OSERR;
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], links::parent_fd);
        pass_on_to(program, argv);
    }
    close(ends[1]);
    relay_until_the_end(ends[0], disguise);
    close(ends[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE;
}

}  // namespace holdfast::upgrades
