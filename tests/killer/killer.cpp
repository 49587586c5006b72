// Kills a process at a system call of its own, chosen by number: a crash at a place that can be
// named, found again and followed by the next one.
//
//     killer PID NUMBER                the process itself
//     killer PID NUMBER NAME ORDINAL   of those that it or its children start from now on, the
//                                      ORDINAL-th (from 1) whose argv[0] is NAME
//
// Says "attached" when it has begun to look. The process dies before the call with that NUMBER,
// counted from then on or from its start, over all of its threads; "killed CALL" follows, with the
// call's number on this machine. NUMBER 0: nobody dies. At SIGTERM, and where the process ends by
// itself, says "counted N" and lets go of everything.
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

// Not in every C library's header beside sys/ptrace.h's own names.
struct SyscallInfo {
    std::uint8_t op;
    std::uint8_t padding[3];
    std::uint32_t architecture;
    std::uint64_t instruction_pointer;
    std::uint64_t stack_pointer;
    std::uint64_t number;
    std::uint64_t arguments[6];
};
constexpr int get_syscall_info = 0x420e;  // PTRACE_GET_SYSCALL_INFO
constexpr std::uint8_t entry = 1;         // PTRACE_SYSCALL_INFO_ENTRY

// Blocked, and taken when there is nothing else to do: none comes unseen between two looks.
sigset_t awaited_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    return set;
}

int next_signal() {
    const sigset_t awaited = awaited_signals();
    int number = 0;
    sigwait(&awaited, &number);
    return number;
}

[[noreturn]] void give_up(const char* what) {
    std::perror(what);
    std::exit(1);
}

void say(const char* word, std::uint64_t number) {
    std::printf("%s %llu\n", word, static_cast<unsigned long long>(number));
    std::fflush(stdout);
}

class Killer {
  public:
    Killer(pid_t root, std::uint64_t number, std::string name, unsigned ordinal)
        : number_(number), name_(std::move(name)), ordinal_(ordinal) {
        if (name_.empty()) target_ = root;
        attach(root);
    }

    int run() {
        std::puts("attached");
        std::fflush(stdout);
        while (true) {
            int status = 0;
            const pid_t thread = waitpid(-1, &status, __WALL | WNOHANG);
            if (thread < 0 || (thread == 0 && next_signal() == SIGTERM)) break;
            if (thread == 0) continue;
            if (WIFSTOPPED(status)) {
                if (stopped(thread, status)) return 0;
            } else if (thread == target_) {
                break;
            }
        }
        say("counted", count_);
        return 0;
    }

  private:
    // All threads that there are; a thread that begins meanwhile belongs to one that is attached.
    void attach(pid_t process) {
        const std::string tasks = "/proc/" + std::to_string(process) + "/task";
        for (const auto& task : std::filesystem::directory_iterator(tasks)) {
            const pid_t thread = std::atoi(task.path().filename().c_str());
            long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC;
            if (!name_.empty()) options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
            if (ptrace(PTRACE_SEIZE, thread, nullptr, options) != 0) give_up("killer: attach");
            // A call that it waits in is not seen to begin.
            if (ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) != 0) give_up("killer: stop");
            process_of_[thread] = process;
        }
    }

    // Whether the work is done.
    bool stopped(pid_t thread, int status) {
        const int signal = WSTOPSIG(status);
        const int event = status >> 16;
        if (event == PTRACE_EVENT_EXEC) executed(thread);
        if (event != 0) return resume(thread, 0);
        if (signal != (SIGTRAP | 0x80)) return resume(thread, signal);
        if (process_of(thread) == target_ && begins_call(thread) && ++count_ == number_) {
            kill(target_, SIGKILL);
            say("killed", call_);
            return true;
        }
        return resume(thread, 0);
    }

    bool begins_call(pid_t thread) {
        SyscallInfo info{};
        if (ptrace(static_cast<__ptrace_request>(get_syscall_info), thread,
                   reinterpret_cast<void*>(sizeof info), &info) <= 0) {
            return false;
        }
        call_ = info.number;
        return info.op == entry;
    }

    void executed(pid_t process) {
        process_of_[process] = process;
        if (target_ != 0) return;
        std::ifstream file("/proc/" + std::to_string(process) + "/cmdline");
        std::string name;
        std::getline(file, name, '\0');
        if (name == name_ && ++seen_ == ordinal_) target_ = process;
    }

    pid_t process_of(pid_t thread) {
        const auto known = process_of_.find(thread);
        if (known != process_of_.end()) return known->second;
        std::ifstream file("/proc/" + std::to_string(thread) + "/status");
        pid_t process = thread;
        for (std::string line; std::getline(file, line);) {
            if (line.starts_with("Tgid:")) process = std::atoi(line.c_str() + 5);
        }
        return process_of_[thread] = process;
    }

    // Those who are not looked at run at full speed.
    bool resume(pid_t thread, int signal) {
        const bool watched = target_ != 0 && process_of(thread) == target_;
        const auto request = watched ? PTRACE_SYSCALL : PTRACE_CONT;
        // It may have been killed meanwhile.
        ptrace(request, thread, nullptr, static_cast<long>(signal));
        return false;
    }

    std::uint64_t number_;
    std::string name_;
    unsigned ordinal_;
    unsigned seen_ = 0;
    pid_t target_ = 0;
    std::uint64_t count_ = 0;
    std::uint64_t call_ = 0;
    std::map<pid_t, pid_t> process_of_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3 && argc != 5) {
        std::fputs("usage: killer PID NUMBER [NAME ORDINAL]\n", stderr);
        return 64;
    }
    const sigset_t awaited = awaited_signals();
    sigprocmask(SIG_BLOCK, &awaited, nullptr);
    const auto ordinal = argc == 5 ? static_cast<unsigned>(std::atoi(argv[4])) : 0U;
    return Killer(std::atoi(argv[1]), std::strtoull(argv[2], nullptr, 10), argc == 5 ? argv[3] : "",
                  ordinal)
        .run();
}
