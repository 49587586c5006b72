#include "smtpd/links/snapshot_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "smtpd/base/read.h"
#include "smtpd/base/write.h"

namespace holdfast::links {

namespace {

constexpr int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

constexpr off_t max_snapshot = off_t{1} << 30;

}  // namespace

Result<UniqueFd> seal_bytes(std::string_view name, std::string_view bytes) {
    UniqueFd fd(memfd_create(std::string(name).c_str(), MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd) return errno_error("create snapshot", name);
    if (const auto written = write_all(fd.get(), bytes); !written) return written.error().in(name);
    if (fcntl(fd.get(), F_ADD_SEALS, seals) != 0) return errno_error("seal snapshot", name);
    return fd;
}

Result<std::string> read_sealed(int fd) {
    struct stat facts{};
    if (fstat(fd, &facts) != 0) return errno_error("stat snapshot");
    if (facts.st_size > max_snapshot) return plain_error("snapshot too large");
    auto bytes = read_at(fd, 0, static_cast<std::size_t>(facts.st_size));
    if (!bytes) return bytes.error().in("snapshot");
    return bytes;
}

}  // namespace holdfast::links
