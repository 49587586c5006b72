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
#include "smtpd/parent/outfit.h"

namespace holdfast {

namespace {

constexpr mode_t directory_mode = 0755;
// Whoever may open it may lock it, and keep the daemon from starting.
constexpr mode_t lock_mode = 0600;
constexpr mode_t socket_mode = 0666;  // everyone may submit; control asks the kernel who it is

constexpr std::string_view kept_prefix = "control ";

int option(int socket, int name) {
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(socket, SOL_SOCKET, name, &value, &length) == 0 ? value : -1;
}

std::string read_owner(const std::string& path) {
    const UniqueFd lock(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    std::array<char, 32> text{};
    const ssize_t length = pread(lock.get(), text.data(), text.size() - 1, 0);
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

Result<UniqueFd> open_lock(const std::string& path, int kind) {
    // A shared one is given away, to be held and not to be written.
    const int access = kind == LOCK_SH ? O_RDONLY : O_RDWR;
    UniqueFd fd(open(path.c_str(), access | O_CREAT | O_CLOEXEC | O_NOFOLLOW, lock_mode));
    if (!fd) return errno_error("open the lock", path);
    // One that an earlier version has left.
    if (fchmod(fd.get(), lock_mode) != 0) return errno_error("chmod", path);
    if (flock(fd.get(), kind | LOCK_NB) != 0) return errno_error("lock", path);
    return fd;
}

Result<UniqueFd> lock_instance(const std::string& path) {
    auto fd = open_lock(path, LOCK_EX);
    if (!fd && fd.error().code() == EWOULDBLOCK) {
        return std::unexpected(Error(
            EWOULDBLOCK, "smtpd runs already as process " + read_owner(path) + ": lock", path));
    }
    if (!fd) return fd;
    const std::string pid = std::to_string(getpid()) + "\n";
    if (ftruncate(fd->get(), 0) != 0 ||
        pwrite(fd->get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
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

ControlSocket ControlSocket::adopt(std::string path, links::ControlSocketState state) {
    return {std::move(path), std::move(state.socket), state.device, state.inode};
}

links::ControlSocketState ControlSocket::leave() const {
    return {duplicate(socket_.get()), device_, inode_};
}

std::string ControlSocket::text() const {
    return std::string(kept_prefix) + std::to_string(device_) + " " + std::to_string(inode_);
}

std::optional<ControlSocket> ControlSocket::recognise(std::string path, std::string_view text,
                                                      UniqueFd socket) {
    if (option(socket.get(), SO_ACCEPTCONN) != 1 || option(socket.get(), SO_DOMAIN) != AF_UNIX ||
        option(socket.get(), SO_TYPE) != SOCK_SEQPACKET) {
        return {};
    }
    struct stat facts{};
    if (lstat(path.c_str(), &facts) != 0) return {};
    ControlSocket there(std::move(path), std::move(socket), facts.st_dev, facts.st_ino);
    if (there.text() != text) return {};
    return there;
}

bool ControlSocket::is_published() const {
    struct stat facts{};
    return lstat(path_.c_str(), &facts) == 0 && facts.st_dev == device_ && facts.st_ino == inode_;
}

void ControlSocket::withdraw() {
    if (is_published()) unlink(path_.c_str());
}

}  // namespace holdfast
