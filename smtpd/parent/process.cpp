#include "smtpd/parent/process.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smtpd/links/parent_room.h"
#include "smtpd/loop/loop.h"

namespace holdfast {

namespace {

constexpr int cannot_execute = 126;
constexpr int not_found = 127;

std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> result;
    result.reserve(words.size() + 1);
    for (const std::string& word : words) result.push_back(const_cast<char*>(word.c_str()));
    result.push_back(nullptr);
    return result;
}

// Closes everything above 3 but the executable, which closes at exec, and what is inherited.
bool close_others(const Program& program) {
    std::vector<int> kept = program.inherit;
    for (const int fd : kept) {
        if (fcntl(fd, F_SETFD, 0) < 0) return false;
    }
    kept.push_back(program.executable.fd);
    std::ranges::sort(kept);
    unsigned first = links::parent_fd + 1;
    for (const int fd : kept) {
        const auto number = static_cast<unsigned>(fd);
        if (number > first && syscall(SYS_close_range, first, number - 1, 0U) != 0) return false;
        first = number + 1;
    }
    return syscall(SYS_close_range, first, ~0U, 0U) == 0;
}

// The child's descriptors: 0 and 1 nowhere, 2 inherited or its own, 3 the channel, nothing else.
bool arrange_fds(const Program& program) {
    const int channel = program.channel;
    // Before 3 is taken, whose number it may have.
    if (program.errors != Program::our_errors && dup2(program.errors, STDERR_FILENO) < 0) {
        return false;
    }
    const int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0) return false;
    if (fcntl(STDERR_FILENO, F_GETFD) < 0 && dup2(null, STDERR_FILENO) < 0) return false;
    if (channel == links::parent_fd) {
        if (fcntl(channel, F_SETFD, 0) < 0) return false;
    } else if (dup2(channel, links::parent_fd) < 0) {
        return false;
    }
    return close_others(program);
}

constexpr int courtesy = 10;  // nice(2)

// Who gives way must be able to be hurried again, which takes a capability.
bool may_hurry() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
    if (syscall(SYS_capget, &header, sets.data()) != 0) return false;
    return (sets[CAP_TO_INDEX(CAP_SYS_NICE)].effective & CAP_TO_MASK(CAP_SYS_NICE)) != 0;
}

int own_niceness() {
    return getpriority(PRIO_PROCESS, 0);
}

void reset_signals() {
    for (int number = 1; number < NSIG; ++number) std::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void become(const Program& program, const std::vector<char*>& argv) {
    static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
    static char* environment[] = {path, nullptr};
    reset_signals();
    // Away from a terminal on which root started us: whoever becomes the user of a mailbox must
    // not be able to type there (TIOCSTI).
    setsid();
    if (program.pace == Pace::gives_way && may_hurry()) {
        setpriority(PRIO_PROCESS, 0, own_niceness() + courtesy);
    }
    Program placed = program;
    int& executable = placed.executable.fd;
    if (executable <= links::parent_fd) {  // away from the numbers that are arranged
        executable = fcntl(executable, F_DUPFD_CLOEXEC, links::parent_fd + 1);
    }
    if (!arrange_fds(placed)) _exit(cannot_execute);
    execveat(executable, "", argv.data(), environment, AT_EMPTY_PATH);
    const int error = errno;
    dprintf(STDERR_FILENO, "smtpd: cannot execute %s: %s\n", program.executable.path.c_str(),
            strerrordesc_np(error));
    _exit(error == ENOENT ? not_found : cannot_execute);
}

}  // namespace

std::string Ending::text() const {
    if (signal == 0) return "exit status " + std::to_string(status);
    return "signal " + std::to_string(signal) + " (" + sigdescr_np(signal) + ")";
}

Result<std::unique_ptr<Process>> Process::start(Loop& loop, const Program& program,
                                                std::function<void(Ending)> on_end) {
    const std::vector<char*> argv = pointers(program.argv);
    const pid_t pid = fork();
    if (pid < 0) return errno_error("start", program.executable.path);
    if (pid == 0) become(program, argv);
    // The child is ours and not reaped yet: its number cannot belong to another process.
    UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0U)));
    if (!pidfd) {
        auto error = errno_error("watch", program.executable.path);
        ::kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
        return error;
    }
    return std::unique_ptr<Process>(new Process(loop, pid, std::move(pidfd), std::move(on_end)));
}

std::unique_ptr<Process> Process::adopt(Loop& loop, pid_t pid, UniqueFd pidfd,
                                        std::function<void(Ending)> on_end) {
    return std::unique_ptr<Process>(new Process(loop, pid, std::move(pidfd), std::move(on_end)));
}

Process::Process(Loop& loop, pid_t pid, UniqueFd pidfd, std::function<void(Ending)> on_end)
    : pid_(pid),
      pidfd_(std::move(pidfd)),
      on_end_(std::move(on_end)),
      watch_(loop, pidfd_.get(), [this](FdWatch::Ready) { reap(); }) {
    watch_.want_read(true);
}

void Process::kill(int signal) const {
    syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0U);
}

// A process group of its own: the whole of it, since a thread has a niceness of its own.
void Process::hurry() const {
    setpriority(PRIO_PGRP, static_cast<id_t>(pid_), own_niceness());
}

void Process::reap() {
    siginfo_t info{};
    if (waitid(P_PIDFD, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG) != 0 ||
        info.si_pid == 0) {
        return;
    }
    watch_.want_read(false);
    Ending ending;
    (info.si_code == CLD_EXITED ? ending.status : ending.signal) = info.si_status;
    const auto on_end = on_end_;
    on_end(ending);
}

}  // namespace holdfast
