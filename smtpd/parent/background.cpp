#include "smtpd/parent/background.h"

#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "smtpd/parent/system_log.h"

namespace holdfast {

namespace {

// What the first process does: hears "ready", or reaps.
[[noreturn]] void wait_for(pid_t child, int report) {
    char byte = 0;
    ssize_t got = -1;
    while ((got = read(report, &byte, 1)) < 0 && errno == EINTR) {
    }
    if (got == 1) _exit(EX_OK);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : EX_SOFTWARE);
}

// systemd names the device and inode of the stream that it connected (systemd.exec(5)).
bool is_journal_stream(int fd) {
    const char* claim = std::getenv("JOURNAL_STREAM");
    struct stat facts{};
    if (claim == nullptr || fstat(fd, &facts) != 0) return false;
    return std::to_string(facts.st_dev) + ":" + std::to_string(facts.st_ino) == claim;
}

}  // namespace

Result<Background> Background::enter() {
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) != 0) return errno_error("go into the background");
    UniqueFd read_end(ends[0]);
    UniqueFd write_end(ends[1]);
    const pid_t child = fork();
    if (child < 0) return errno_error("go into the background");
    if (child > 0) {
        write_end.reset();
        wait_for(child, read_end.get());
    }
    setsid();
    return Background(std::move(write_end));
}

void Background::ready() {
    if (!report_) return;
    const UniqueFd null(open("/dev/null", O_RDWR | O_CLOEXEC));
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (null) dup2(null.get(), fd);
    }
    const char byte = 1;
    // Nobody to tell: whoever started us has been killed, which is no concern of ours.
    [[maybe_unused]] const ssize_t told = write(report_.get(), &byte, 1);
    report_.reset();
}

LogSink open_log_sink(bool foreground) {
    if (!foreground) return {SystemLog::connect(system_log_path), log::Form::datagram};
    UniqueFd own(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
    const bool journal = is_journal_stream(STDERR_FILENO);
    return {std::move(own), journal ? log::Form::journal : log::Form::stream};
}

}  // namespace holdfast
