// Starts the programs of the house and notices their end. Every child is held by a pidfd from
// birth: its end is an event on a descriptor, and no signal handler can come too early or too
// late for it (F02).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/loop/watch.h"
#include "smtpd/parent/image.h"

namespace holdfast {

class Loop;

// How a process ended: its exit status, or the signal that killed it.
struct Ending {
    int status = 0;
    int signal = 0;
    std::string text() const;  // "exit status 70", "signal 9 (Killed)"
    bool clean() const { return status == 0 && signal == 0; }
    // Statuses that the dynamic linker and our own child give where exec, or what follows it at
    // once, has failed.
    bool not_executed() const { return status == 126 || status == 127; }
};

// A program that nobody waits for yet gives way to those that serve: a restart should cost their
// clients nothing, on a machine with few processors too.
enum class Pace : std::uint8_t { usual, gives_way };

struct Program {
    Executable executable;
    std::vector<std::string> argv;  // argv[0] is what ps shows
    int channel = -1;               // becomes fd 3 of the child
    static constexpr int our_errors = -1;
    int errors = our_errors;        // becomes fd 2
    std::vector<int> inherit = {};  // further ones, which keep their numbers: all above 3
    Pace pace = Pace::usual;
};

class Process {
  public:
    // Starts `program` with fd 0 and 1 on /dev/null, fd 2 ours, fd 3 the channel, no other
    // descriptor but those of `inherit`, no signal blocked, and an environment of our own making.
    // `on_end` is called once, after the child has been reaped; it may destroy this. Fails with the
    // errno of fork or pidfd_open; a program that cannot be executed says why on fd 2 and ends with
    // status 127 or 126.
    static Result<std::unique_ptr<Process>> start(Loop& loop, const Program& program,
                                                  std::function<void(Ending)> on_end);
    // A child that was started before this program replaced another in the same process.
    static std::unique_ptr<Process> adopt(Loop& loop, pid_t pid, UniqueFd pidfd,
                                          std::function<void(Ending)> on_end);
    // Not killed: a room that is let go ends when its channel does.
    ~Process() = default;

    pid_t pid() const { return pid_; }
    int pidfd() const { return pidfd_.get(); }
    void kill(int signal) const;
    // The end of Pace::gives_way, for all of its threads. For a child that is not one of
    // Pace::usual and has not ended.
    void hurry() const;

  private:
    Process(Loop& loop, pid_t pid, UniqueFd pidfd, std::function<void(Ending)> on_end);
    void reap();

    pid_t pid_;
    UniqueFd pidfd_;
    std::function<void(Ending)> on_end_;
    FdWatch watch_;
};

}  // namespace holdfast
