#include "smtpd/parent/system_log.h"

#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace holdfast {

namespace {

UniqueFd log_socket() {
    return UniqueFd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

bool connect_to(int fd, const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

SystemLog::SystemLog(Loop& loop, int sink, std::string path, std::function<void()> on_open)
    : loop_(loop),
      sink_(sink),
      path_(std::move(path)),
      on_open_(std::move(on_open)),
      timer_(loop, [this] { try_again(); }) {}

UniqueFd SystemLog::connect(const std::string& path) {
    UniqueFd fd = log_socket();
    static_cast<void>(connect_to(fd.get(), path));
    return fd;
}

void SystemLog::lost() {
    if (timer_.pending()) return;
    const Duration since = loop_.now() - tried_;
    timer_.set(tried_ == MonoTime{} || since >= interval ? Duration(0) : interval - since);
}

void SystemLog::try_again() {
    tried_ = loop_.now();
    const UniqueFd fresh = log_socket();
    if (!fresh || !connect_to(fresh.get(), path_) || dup3(fresh.get(), sink_, O_CLOEXEC) < 0) {
        timer_.set(interval);
        return;
    }
    on_open_();
}

}  // namespace holdfast
