// Linked into the programs of a build with sanitizers: LeakSanitizer cannot look at a process that
// somebody traces, as tests/killer does, and would end it with an error.
#include <cstddef>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" const char* __lsan_default_options();  // NOLINT(bugprone-reserved-identifier)

// Called before the sanitizer stands: it must meet nothing that is instrumented or intercepted.
extern "C" __attribute__((no_sanitize("address", "undefined"))) const char*
__lsan_default_options() {  // NOLINT(bugprone-reserved-identifier)
    static char status[4096];
    const long fd = syscall(SYS_openat, AT_FDCWD, "/proc/self/status", O_RDONLY);
    const long length = syscall(SYS_read, fd, status, sizeof status - 1);
    syscall(SYS_close, fd);
    constexpr char wanted[] = "TracerPid:\t";
    for (long i = 0; i + static_cast<long>(sizeof wanted) < length; ++i) {
        std::size_t same = 0;
        while (wanted[same] != '\0' && status[i + static_cast<long>(same)] == wanted[same]) ++same;
        if (wanted[same] != '\0') continue;
        return status[i + static_cast<long>(same)] != '0' ? "detect_leaks=0" : "";
    }
    return "";
}
