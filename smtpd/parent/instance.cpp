#include "smtpd/parent/instance.h"

#include <array>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "smtpd/base/descriptors.h"

namespace holdfast {

namespace {

constexpr mode_t directory_mode = 0755;
// Whoever may open it may lock it, and keep the daemon from starting.
constexpr mode_t lock_mode = 0600;
constexpr mode_t socket_mode = 0666;  // everyone may submit; control asks the kernel who it is

std::string read_owner(int lock) {
    std::array<char, 32> text{};
    const ssize_t length = pread(lock, text.data(), text.size() - 1, 0);
    std::string pid(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    while (!pid.empty() && pid.back() == '\n') pid.pop_back();
    return pid.empty() ? "unknown" : pid;
}

Result<sockaddr_un> socket_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return std::unexpected(Error(ENAMETOOLONG, "bind the control socket", path));
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

Status bind_and_listen(int socket, const std::string& path) {
    const auto address = socket_address(path);
    if (!address) return address.error().pass();
    unlink(path.c_str());  // left by an instance that died between bind and rename
    if (bind(socket, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) != 0) {
        return errno_error("bind the control socket", path);
    }
    if (chmod(path.c_str(), socket_mode) != 0) return errno_error("chmod", path);
    refuse_descriptors(socket);  // from everybody who connects
    if (listen(socket, SOMAXCONN) != 0) return errno_error("listen on", path);
    return {};
}

}  // namespace

Status make_run_directory(const std::string& path) {
    if (mkdir(path.c_str(), directory_mode) != 0 && errno != EEXIST) {
        return errno_error("create", path);
    }
    struct stat facts{};
    if (lstat(path.c_str(), &facts) != 0) return errno_error("look at", path);
    if (!S_ISDIR(facts.st_mode)) return plain_error(path + " is not a directory: remove it");
    if (facts.st_uid != geteuid()) {
        return plain_error(path + " belongs to uid " + std::to_string(facts.st_uid) +
                           ", not to uid " + std::to_string(geteuid()) +
                           ": change its owner or remove it");
    }
    return {};
}

Result<UniqueFd> lock_instance(const std::string& path) {
    UniqueFd fd(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, lock_mode));
    if (!fd) return errno_error("open the instance lock", path);
    // One that an earlier version has left.
    if (fchmod(fd.get(), lock_mode) != 0) return errno_error("chmod", path);
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
        const int error = errno;
        return std::unexpected(
            Error(error, "smtpd runs already as process " + read_owner(fd.get()) + ": lock", path));
    }
    const std::string pid = std::to_string(getpid()) + "\n";
    if (ftruncate(fd.get(), 0) != 0 ||
        pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
        return errno_error("write the instance lock", path);
    }
    return fd;
}

Result<ControlSocket> ControlSocket::publish(const std::string& path) {
    UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return errno_error("create the control socket");
    const std::string temporary = path + ".new";
    if (const auto bound = bind_and_listen(socket.get(), temporary); !bound) {
        return bound.error().pass();
    }
    struct stat facts{};
    if (lstat(temporary.c_str(), &facts) != 0) return errno_error("look at", temporary);
    if (rename(temporary.c_str(), path.c_str()) != 0) return errno_error("publish", path);
    return ControlSocket(path, std::move(socket), facts.st_dev, facts.st_ino);
}

void ControlSocket::withdraw() {
    struct stat facts{};
    const bool ours =
        lstat(path_.c_str(), &facts) == 0 && facts.st_dev == device_ && facts.st_ino == inode_;
    if (ours) unlink(path_.c_str());
}

}  // namespace holdfast
