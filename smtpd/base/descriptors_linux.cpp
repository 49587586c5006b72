#include <array>
#include <csignal>

#include <sys/socket.h>
#include <sys/time.h>

#include "smtpd/base/descriptors.h"
#include "smtpd/base/panic.h"

namespace holdfast {

namespace {

constexpr int so_passrights = 83;  // linux/socket.h of Linux 6.16; not in the headers of Debian 12

constexpr suseconds_t haste_microseconds = 1000;

void set_interval(suseconds_t microseconds) {
    const itimerval interval{{0, microseconds}, {0, microseconds}};
    if (setitimer(ITIMER_REAL, &interval, nullptr) != 0) panic("setitimer failed");
}

}  // namespace

void refuse_descriptors(int socket) {
    const int off = 0;
    static_cast<void>(setsockopt(socket, SOL_SOCKET, so_passrights, &off, sizeof off));
}

bool refuses_descriptors(int socket) {
    int passes = 1;
    socklen_t length = sizeof passes;
    const int result = getsockopt(socket, SOL_SOCKET, so_passrights, &passes, &length);
    return result == 0 && passes == 0;
}

// With no room for them, the kernel says that something was cut off. What it shows are references
// beside those of the packet, so none of them is the last.
bool descriptors_wait(int socket) {
    std::array<char, 1> byte{};
    iovec vector{byte.data(), byte.size()};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    return recvmsg(socket, &message, MSG_PEEK | MSG_DONTWAIT) >= 0 &&
           (message.msg_flags & MSG_CTRUNC) != 0;
}

HastyClose::HastyClose() {
    struct sigaction action{};
    action.sa_handler = [](int) {};
    sigaction(SIGALRM, &action, nullptr);  // without SA_RESTART
    set_interval(haste_microseconds);
}

HastyClose::~HastyClose() {
    set_interval(0);
}

}  // namespace holdfast
