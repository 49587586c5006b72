#include "smtpd/probe/opener.h"

#include <array>
#include <span>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smtpd/base/packet.h"
#include "smtpd/links/parent_room.h"

namespace holdfast::probe {

namespace {

// A question is a path. An answer is one byte, the errno, and with 0 the descriptor. (Linux keeps
// its error numbers below 134.)
struct Opened {
    UniqueFd fd;
    int error = 0;
};

// O_NONBLOCK: opening a FIFO must not wait for a writer.
Opened open_regular(const std::string& path) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!fd) return {UniqueFd(), errno};
    struct stat facts{};
    if (fstat(fd.get(), &facts) != 0) return {UniqueFd(), errno};
    if (!S_ISREG(facts.st_mode)) return {UniqueFd(), EINVAL};
    return {std::move(fd), 0};
}

bool answer(int socket, const Opened& opened) {
    const char code = static_cast<char>(opened.error);
    const std::array<int, 1> fds{opened.fd.get()};
    const std::span<const int> sent =
        opened.fd ? std::span<const int>(fds) : std::span<const int>();
    return send_packet(socket, {&code, 1}, sent).has_value();
}

[[noreturn]] void serve(int socket) {
    // The plan is the probe's alone to write.
    if (socket != links::parent_fd) ::close(links::parent_fd);
    while (true) {
        const auto question = receive_packet(socket);
        if (!question || question->bytes.empty()) _exit(0);
        if (!answer(socket, open_regular(question->bytes))) _exit(0);
    }
}

}  // namespace

Result<Opener> Opener::start() {
    std::array<int, 2> ends{-1, -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
        return errno_error("create a socket pair");
    }
    UniqueFd ours(ends[0]);
    UniqueFd theirs(ends[1]);
    const pid_t child = fork();
    if (child < 0) return errno_error("fork");
    if (child == 0) {
        ours.reset();
        serve(theirs.get());
    }
    return Opener(std::move(ours));
}

Result<UniqueFd> Opener::open(const std::string& path) const {
    if (path.find('\0') != std::string::npos || path.empty())
        return std::unexpected(Error(EINVAL, "open", path));
    if (const auto sent = send_packet(socket_.get(), path); !sent) return sent.error().in("open");
    auto packet = receive_packet(socket_.get());
    if (!packet) return packet.error().in("open");
    if (packet->bytes.size() != 1) return plain_error("the opener has died");
    const int error = static_cast<unsigned char>(packet->bytes.front());
    if (error != 0) return std::unexpected(Error(error, "open", path));
    if (packet->fds.size() != 1) return plain_error("the opener sent no descriptor");
    return std::move(packet->fds.front());
}

}  // namespace holdfast::probe
