#include "ctl/sendmail/process.h"

#include <array>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <unistd.h>

namespace holdfast::sendmail {

namespace {

constexpr std::array ending_signals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};

bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0 || errno != EBADF;
}

// The lowest free number is this one: those below are open. Not close-on-exec, as the standard
// descriptors never are; nothing is executed here.
void fill(int fd) {
    if (is_open(fd)) return;
    if (open("/dev/null", O_RDWR | O_NOCTTY) >= 0) return;
    // No /dev in this root: any descriptor keeps the number from being given to a socket.
    (void)open("/", O_PATH | O_DIRECTORY);
}

sigset_t ending_set() {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : ending_signals) {
        struct sigaction action{};
        const bool fatal = sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_DFL;
        if (fatal) sigaddset(&set, signal);
    }
    return set;
}

}  // namespace

Input prepare_process() {
    const Input input = is_open(STDIN_FILENO) ? Input::open : Input::missing;
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) fill(fd);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    return input;
}

void hold_ending_signals() {
    const sigset_t set = ending_set();
    sigprocmask(SIG_BLOCK, &set, nullptr);
}

bool ending_signal_held() {
    const sigset_t set = ending_set();
    sigset_t pending;
    sigpending(&pending);
    for (const int signal : ending_signals) {
        if (sigismember(&set, signal) == 1 && sigismember(&pending, signal) == 1) return true;
    }
    return false;
}

void release_ending_signals() {
    const sigset_t set = ending_set();
    sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace holdfast::sendmail
