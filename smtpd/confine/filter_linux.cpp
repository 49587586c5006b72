#include "smtpd/confine/filter_linux.h"

#include <algorithm>
#include <cstddef>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace holdfast {

namespace {

#if defined(__x86_64__)
constexpr std::uint32_t native_arch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t native_arch = AUDIT_ARCH_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
constexpr std::uint32_t native_arch = AUDIT_ARCH_RISCV64;
#else
#error "say here which AUDIT_ARCH_ this machine is"
#endif

#if defined(__SANITIZE_ADDRESS__)
#define HOLDFAST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HOLDFAST_SANITIZED 1
#endif
#endif

void allow(std::vector<CallRule>& rules, std::initializer_list<int> numbers) {
    for (const int number : numbers) rules.push_back({number});
}

// A call whose second argument says what it does.
void allow_commands(std::vector<CallRule>& rules, int number, std::initializer_list<int> commands) {
    for (const int command : commands) {
        rules.push_back({number, 1, ~0U, static_cast<std::uint32_t>(command)});
    }
}

// Calls that are harmless with some arguments only.
void allow_narrowed(std::vector<CallRule>& rules) {
    constexpr auto executable = static_cast<std::uint32_t>(PROT_EXEC);
    rules.push_back({__NR_mmap, 2, executable, 0});
    rules.push_back({__NR_mprotect, 2, executable, 0});
    rules.push_back({__NR_prctl, 0, ~0U, PR_SET_NAME});
    // libevent's wake-up pipe: both ends stay here.
    rules.push_back({__NR_socketpair, 0, ~0U, AF_UNIX});
    rules.push_back({__NR_pipe2});
    allow_commands(rules, __NR_fcntl,
                   {F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD, F_DUPFD_CLOEXEC});
    rules.push_back({__NR_prlimit64, 0, ~0U, 0});  // one's own limits
    // abort(): a signal to oneself, never to another process.
    rules.push_back({__NR_tgkill, 0, ~0U, static_cast<std::uint32_t>(getpid())});
    rules.push_back({__NR_newfstatat, 3, static_cast<std::uint32_t>(AT_EMPTY_PATH),
                     static_cast<std::uint32_t>(AT_EMPTY_PATH)});
}

// Computing, memory, time, the event loop, and talking over descriptors that are open already.
void allow_common(std::vector<CallRule>& rules) {
    allow(rules, {__NR_read,
                  __NR_write,
                  __NR_readv,
                  __NR_pread64,
                  __NR_writev,
                  __NR_close,
                  __NR_lseek,
                  __NR_fstat,
                  __NR_dup,
                  __NR_recvmsg,
                  __NR_sendmsg,
                  __NR_recvfrom,
                  __NR_sendto,
                  __NR_shutdown,
                  __NR_getsockopt,
                  __NR_setsockopt,
                  __NR_getsockname,
                  __NR_getpeername,
                  __NR_epoll_create1,
                  __NR_epoll_ctl,
                  __NR_epoll_pwait,
                  __NR_ppoll,
                  __NR_eventfd2,
                  __NR_brk,
                  __NR_munmap,
                  __NR_mremap,
                  __NR_madvise,
                  __NR_futex,
                  __NR_clock_gettime,
                  __NR_clock_nanosleep,
                  __NR_gettimeofday,
                  __NR_nanosleep,
                  __NR_getrandom,
                  __NR_getpid,
                  __NR_gettid,
                  __NR_getuid,
                  __NR_geteuid,
                  __NR_getgid,
                  __NR_getegid,
                  __NR_rt_sigaction,
                  __NR_rt_sigprocmask,
                  __NR_rt_sigreturn,
                  __NR_sigaltstack,
                  __NR_restart_syscall,
                  __NR_sched_yield,
                  __NR_set_robust_list,
                  __NR_rseq,
                  __NR_exit,
                  __NR_exit_group,
                  __NR_setitimer});
#ifdef __NR_epoll_wait
    allow(rules, {__NR_epoll_wait, __NR_poll, __NR_time});
#endif
    allow_narrowed(rules);
}

void allow_threads(std::vector<CallRule>& rules) {
    constexpr auto thread = static_cast<std::uint32_t>(CLONE_THREAD);
    rules.push_back({__NR_clone, 0, thread, thread});
    allow(rules, {__NR_sched_getaffinity, __NR_set_tid_address});
}

void allow_lookups(std::vector<CallRule>& rules) {
    allow(rules,
          {__NR_newfstatat, __NR_statx, __NR_getdents64, __NR_preadv, __NR_readlinkat,
           __NR_faccessat, __NR_faccessat2, __NR_statfs, __NR_fstatfs, __NR_getcwd, __NR_uname});
#ifdef __NR_stat
    allow(rules, {__NR_stat, __NR_lstat, __NR_access, __NR_readlink});
#endif
}

// Landlock says where; this says that it is reading.
void allow_reading(std::vector<CallRule>& rules) {
    allow_lookups(rules);
    constexpr auto writing = static_cast<std::uint32_t>(O_WRONLY | O_RDWR | O_CREAT | O_TRUNC);
    rules.push_back({__NR_openat, 2, writing, 0});
#ifdef __NR_open
    rules.push_back({__NR_open, 1, writing, 0});
#endif
}

void allow_files(std::vector<CallRule>& rules) {
    allow_lookups(rules);
    allow(rules, {__NR_openat,          __NR_pwrite64,
                  __NR_pwritev,         __NR_ftruncate,
                  __NR_fallocate,       __NR_fsync,
                  __NR_fdatasync,       __NR_syncfs,
                  __NR_flock,           __NR_renameat,
                  __NR_renameat2,       __NR_linkat,
                  __NR_unlinkat,        __NR_mkdirat,
                  __NR_fchmod,          __NR_fchmodat,
                  __NR_fchown,          __NR_utimensat,
                  __NR_umask,           __NR_memfd_create,
                  __NR_inotify_init1,   __NR_inotify_add_watch,
                  __NR_inotify_rm_watch});
    allow_commands(rules, __NR_fcntl,
                   {F_GETLK, F_SETLK, F_SETLKW, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_ADD_SEALS,
                    F_GET_SEALS});
#ifdef __NR_open
    allow(rules, {__NR_open, __NR_rename, __NR_link, __NR_unlink, __NR_mkdir, __NR_rmdir});
#endif
}

void allow_unix_client(std::vector<CallRule>& rules) {
    rules.push_back({__NR_socket, 0, ~0U, AF_UNIX});
    allow(rules, {__NR_connect});
    allow_commands(rules, __NR_ioctl, {FIONREAD, FIONBIO, TCGETS});
}

void allow_ip_client(std::vector<CallRule>& rules) {
    rules.push_back({__NR_socket, 0, ~0U, AF_INET});
    rules.push_back({__NR_socket, 0, ~0U, AF_INET6});
    allow(rules, {__NR_connect, __NR_bind, __NR_sendmmsg, __NR_recvmmsg});
    allow_commands(rules, __NR_ioctl, {FIONREAD, FIONBIO, SIOCGIFINDEX});
}

// What the sanitizers' run time reads of its own process for a report.
void allow_sanitizers([[maybe_unused]] std::vector<CallRule>& rules) {
#ifdef HOLDFAST_SANITIZED
    allow_reading(rules);
    allow(rules, {__NR_getppid, __NR_sched_getaffinity});
#endif
}

sock_filter statement(std::uint16_t code, std::uint32_t operand) {
    return BPF_STMT(code, operand);
}

// Skips `skipped` instructions unless the loaded word equals `operand`.
sock_filter unless_equal(std::uint32_t operand, std::uint8_t skipped) {
    return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, operand, 0, skipped);
}

constexpr std::uint16_t load_word = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t give_back = BPF_RET | BPF_K;
constexpr std::uint32_t refuse = SECCOMP_RET_ERRNO | EPERM;

std::uint32_t argument_offset(int argument) {
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the low word comes first");
    return static_cast<std::uint32_t>(offsetof(seccomp_data, args)) +
           static_cast<std::uint32_t>(argument) * 8;
}

void append_rule(std::vector<sock_filter>& program, const CallRule& rule) {
    const auto number = static_cast<std::uint32_t>(rule.number);
    if (rule.argument < 0) {
        program.push_back(unless_equal(number, 1));
        program.push_back(statement(give_back, SECCOMP_RET_ALLOW));
        return;
    }
    program.push_back(unless_equal(number, 5));
    program.push_back(statement(load_word, argument_offset(rule.argument)));
    program.push_back(statement(BPF_ALU | BPF_AND | BPF_K, rule.mask));
    program.push_back(unless_equal(rule.value, 1));
    program.push_back(statement(give_back, SECCOMP_RET_ALLOW));
    program.push_back(statement(load_word, offsetof(seccomp_data, nr)));
}

std::vector<sock_filter> assemble(std::span<const CallRule> rules) {
    std::vector<sock_filter> program;
    program.push_back(statement(load_word, offsetof(seccomp_data, arch)));
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, native_arch, 1, 0));
    program.push_back(statement(give_back, SECCOMP_RET_KILL_PROCESS));
    program.push_back(statement(load_word, offsetof(seccomp_data, nr)));
    for (const CallRule& rule : rules) append_rule(program, rule);
    program.push_back(unless_equal(__NR_clone3, 1));
    program.push_back(statement(give_back, SECCOMP_RET_ERRNO | ENOSYS));
    program.push_back(statement(give_back, refuse));
    return program;
}

}  // namespace

#ifdef HOLDFAST_SANITIZED
// A process that nobody may trace cannot look for its own leaks.
// NOLINTNEXTLINE(bugprone-reserved-identifier): the name that the run time looks for
extern "C" const char* __asan_default_options() {
    return "detect_leaks=0";
}
#endif

std::vector<CallRule> allowed_calls(std::span<const Power> powers) {
    std::vector<CallRule> rules;
    allow_common(rules);
    for (const Power power : powers) {
        switch (power) {
            case Power::accept:
                allow(rules, {__NR_accept4});
                break;
            case Power::threads:
                allow_threads(rules);
                break;
            case Power::files:
                allow_files(rules);
                break;
            case Power::reading:
                allow_reading(rules);
                break;
            case Power::ip_client:
                allow_ip_client(rules);
                break;
            case Power::unix_client:
                allow_unix_client(rules);
                break;
        }
    }
    allow_sanitizers(rules);
    return rules;
}

Status install_filter(std::span<const CallRule> rules) {
    std::vector<sock_filter> program = assemble(rules);
    const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) {
        return errno_error("install the system call filter");
    }
    return {};
}

}  // namespace holdfast
