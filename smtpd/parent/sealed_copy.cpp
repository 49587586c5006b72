#include "smtpd/parent/sealed_copy.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smtpd/base/file_trust.h"

namespace holdfast {

namespace {

bool same_time(const timespec& one, const timespec& other) {
    return one.tv_sec == other.tv_sec && one.tv_nsec == other.tv_nsec;
}

bool unchanged(const struct stat& before, const struct stat& after) {
    return before.st_size == after.st_size && same_time(before.st_mtim, after.st_mtim);
}

// Fewer bytes where the file has become shorter.
Status copy(int from, int to, std::size_t length) {
    while (length > 0) {
        const ssize_t copied = sendfile(to, from, nullptr, length);
        if (copied < 0 && errno == EINTR) continue;
        if (copied < 0) return errno_error("read");
        if (copied == 0) return {};
        length -= static_cast<std::size_t>(copied);
    }
    return {};
}

}  // namespace

Result<UniqueFd> sealed_copy(const char* name, const std::string& path, std::size_t limit,
                             Writers writers) {
    // A FIFO or a device in its place must not hold us up.
    const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat before{};
    struct stat after{};
    if (!file || fstat(file.get(), &before) != 0) return errno_error("open", path);
    if (!S_ISREG(before.st_mode)) return plain_error(path + " is no regular file");
    const auto reason = distrust(before, geteuid(), path);
    if (reason && writers == Writers::ourselves) {
        return plain_error(path + " " + reason->problem + "; " + reason->remedy);
    }
    const auto length = static_cast<std::size_t>(before.st_size);
    if (length > limit) return plain_error(path + " is too large");
    UniqueFd result(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!result) return errno_error("copy", path);
    if (const auto copied = copy(file.get(), result.get(), length); !copied) {
        return copied.error().in(path);
    }
    if (fstat(file.get(), &after) != 0 || !unchanged(before, after)) {
        return plain_error(path + " is being written at this moment");
    }
    constexpr int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    if (fcntl(result.get(), F_ADD_SEALS, seals) != 0) return errno_error("seal a copy of", path);
    return result;
}

}  // namespace holdfast
