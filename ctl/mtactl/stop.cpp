// mtactl stop: asks the daemon to end, and returns when it has. What has ended is the process, seen
// through a pidfd: neither a number that another process gets later, nor a path.
#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <sys/syscall.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/client/output.h"
#include "ctl/mtactl/command.h"
#include "ctl/mtactl/daemon.h"
#include "ctl/mtactl/report.h"
#include "smtpd/base/unique_fd.h"

namespace holdfast::mtactl {

namespace {

constexpr Duration patience = std::chrono::seconds(10);

// In milliseconds. Longer than the daemon gives what is in hand: 20 seconds.
constexpr int wait_for_end = 30 * 1000;
constexpr int wait_in_silence = 2 * 1000;

Attempt<UniqueFd> daemon_process(Daemon& daemon) {
    const auto overview = daemon.status();
    if (!overview) return std::unexpected(overview.error());
    const auto& rooms = overview->daemon.rooms;
    const auto parent =
        std::ranges::find(rooms, links::room_name(links::Room::parent), &links::RoomStatus::room);
    const pid_t pid = parent == rooms.end() ? 0 : parent->pid;
    UniqueFd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
    if (!process) {
        return fails(EX_OSERR, "smtpd's process can't be watched: " + errno_text(errno));
    }
    return process;
}

bool has_ended(const UniqueFd& process, int milliseconds) {
    pollfd watched{process.get(), POLLIN, 0};
    return ::poll(&watched, 1, milliseconds) > 0;
}

Attempt<std::string> wait_until_ended(const UniqueFd& process, Haste haste) {
    if (has_ended(process, wait_in_silence)) return "smtpd has ended";
    if (haste == Haste::when_finished) {
        complain("mtactl", "smtpd waits for its open sessions (--now cuts them off)");
    }
    if (has_ended(process, wait_for_end)) return "smtpd has ended";
    return fails(EX_TEMPFAIL, "smtpd was told to end and still runs: see its log");
}

Attempt<std::string> stop(const Site& site, Haste haste) {
    auto daemon = Daemon::connect(site.control_socket);
    if (!daemon) return std::unexpected(daemon.error());
    const auto process = daemon_process(*daemon);
    if (!process) return std::unexpected(process.error());
    const auto asked =
        daemon->ask_to_end(links::OrderRequest{links::Order::stop, haste == Haste::now}, patience);
    if (!asked) return std::unexpected(asked.error());
    return wait_until_ended(*process, haste);
}

}  // namespace

int StopCommand::run(const Site& site, Form form) const {
    return conclude(form, stop(site, haste));
}

}  // namespace holdfast::mtactl
