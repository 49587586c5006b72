#include "tests/owned/acts.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smtpd/base/unique_fd.h"

namespace holdfast::owned {

namespace {

bool read_shadow(const Victim&) {
    return static_cast<bool>(UniqueFd(open("/etc/shadow", O_RDONLY | O_CLOEXEC)));
}

bool read_key(const Victim& victim) {
    return static_cast<bool>(UniqueFd(open(victim.key.c_str(), O_RDONLY | O_CLOEXEC)));
}

bool list_spool(const Victim& victim) {
    const UniqueFd fd(open((victim.spool + "/queue").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return static_cast<bool>(fd);
}

bool write_a_file(const Victim&) {
    const UniqueFd fd(open("/var/tmp/owned", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    return static_cast<bool>(fd);
}

// The child, where there is one, tells by its exit status whether exec worked.
bool execute(const Victim&) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return false;
    const UniqueFd read_end(report[0]);
    UniqueFd write_end(report[1]);
    const pid_t child = fork();
    if (child < 0) return false;
    if (child == 0) {
        char name[] = "true";
        char* argv[] = {name, nullptr};
        execv("/bin/true", argv);
        const int error = errno;
        [[maybe_unused]] const ssize_t told = write(write_end.get(), &error, sizeof error);
        _exit(1);
    }
    write_end.reset();
    int error = 0;
    const bool failed = read(read_end.get(), &error, sizeof error) > 0;
    waitpid(child, nullptr, 0);
    errno = error;
    return !failed;
}

bool start_a_process(const Victim&) {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    if (child > 0) waitpid(child, nullptr, 0);
    return child > 0;
}

bool trace(const Victim& victim) {
    if (ptrace(PTRACE_SEIZE, victim.pid, nullptr, nullptr) != 0) return false;
    // SEIZE does not stop the victim, so it need not be stopped to let go of it.
    ptrace(PTRACE_INTERRUPT, victim.pid, nullptr, nullptr);
    waitpid(victim.pid, nullptr, __WALL);
    ptrace(PTRACE_DETACH, victim.pid, nullptr, nullptr);
    return true;
}

bool send_signal(const Victim& victim) {
    return kill(victim.pid, SIGCONT) == 0;
}

bool read_memory_file(const Victim& victim) {
    const std::string path = "/proc/" + std::to_string(victim.pid) + "/mem";
    return static_cast<bool>(UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC)));
}

// Address 0 is not mapped: who may look gets EFAULT, who may not EPERM.
bool read_memory(const Victim& victim) {
    char byte = 0;
    const iovec here{&byte, 1};
    const iovec there{nullptr, 1};
    const ssize_t got = process_vm_readv(victim.pid, &here, 1, &there, 1, 0);
    return got >= 0 || errno == EFAULT;
}

bool connect_tcp(const Victim&) {
    const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return false;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(25);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int result =
        connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    return result == 0 || errno == ECONNREFUSED;
}

bool bind_tcp(const Victim&) {
    const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) return false;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

bool listen_tcp(const Victim&) {
    const UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return fd && listen(fd.get(), 1) == 0;
}

bool become_root(const Victim&) {
    return setuid(0) == 0;
}

bool run_written_code(const Victim&) {
    void* page =
        mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return false;
    munmap(page, 4096);
    return true;
}

bool mount_something(const Victim&) {
    return unshare(CLONE_NEWNS) == 0;
}

// The kernel looks at the descriptor: nobody kept the call from it.
bool gets_through(int result) {
    return result == 0 || errno == EBADF;
}

bool type_at_a_terminal(const Victim&) {
    const char byte = '\n';
    return gets_through(ioctl(-1, TIOCSTI, &byte));
}

bool change_a_terminal(const Victim&) {
    const int discipline = 0;
    return gets_through(ioctl(-1, TIOCSETD, &discipline));
}

// A descriptor that becomes ready would send it a signal.
bool signal_by_a_descriptor(const Victim& victim) {
    const bool owner = gets_through(fcntl(-1, F_SETOWN, victim.pid));
    const bool signal = gets_through(fcntl(-1, F_SETSIG, SIGKILL));
    return owner || signal;
}

// Nobody has this number: who may ask is told so.
bool limit_another(const Victim&) {
    constexpr pid_t no_process = 0x7fffffff;
    rlimit limit{};
    return prlimit(no_process, RLIMIT_NOFILE, nullptr, &limit) == 0 || errno == ESRCH;
}

struct Act {
    std::string_view name;
    bool (*perform)(const Victim&);
};

constexpr std::array acts{
    Act{"read-shadow", read_shadow},
    Act{"read-key", read_key},
    Act{"list-spool", list_spool},
    Act{"write-file", write_a_file},
    Act{"execute", execute},
    Act{"start-process", start_a_process},
    Act{"trace", trace},
    Act{"signal", send_signal},
    Act{"read-memory-file", read_memory_file},
    Act{"read-memory", read_memory},
    Act{"connect", connect_tcp},
    Act{"bind", bind_tcp},
    Act{"listen", listen_tcp},
    Act{"become-root", become_root},
    Act{"run-written-code", run_written_code},
    Act{"new-namespace", mount_something},
    Act{"type-at-terminal", type_at_a_terminal},
    Act{"change-terminal", change_a_terminal},
    Act{"signal-by-descriptor", signal_by_a_descriptor},
    Act{"limit-another", limit_another},
};

}  // namespace

std::vector<ActResult> perform_acts(const Victim& victim) {
    std::vector<ActResult> results;
    for (const Act& act : acts) {
        errno = 0;
        const bool worked = act.perform(victim);
        results.push_back({act.name, worked, worked ? 0 : errno});
    }
    return results;
}

}  // namespace holdfast::owned
