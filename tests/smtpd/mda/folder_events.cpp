#include "tests/smtpd/mda/folder_events.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include <poll.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/catch.h"

namespace holdfast::mda {

namespace {

constexpr int deadline_ms = 30'000;

// How many of the events in `bytes` are about a file in a folder: those have its name.
unsigned count_named(std::string_view bytes) {
    unsigned result = 0;
    while (bytes.size() >= sizeof(inotify_event)) {
        inotify_event event{};
        std::memcpy(&event, bytes.data(), sizeof event);
        if (event.len > 0) ++result;
        bytes.remove_prefix(std::min(bytes.size(), sizeof event + event.len));
    }
    return result;
}

}  // namespace

FolderEvents::FolderEvents(const std::vector<std::string>& folders, std::uint32_t kinds)
    : fd_(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    for (const std::string& folder : folders) {
        CAPTURE(folder);
        REQUIRE(inotify_add_watch(fd_.get(), folder.c_str(), kinds | IN_ONLYDIR) >= 0);
    }
}

bool FolderEvents::await(unsigned count, int end) {
    while (waiting_ < count) {
        std::array<pollfd, 2> fds{pollfd{fd_.get(), POLLIN, 0}, pollfd{end, POLLIN, 0}};
        if (poll(fds.data(), fds.size(), deadline_ms) <= 0 || fds[1].revents != 0) return false;
        take_waiting();
    }
    waiting_ -= count;
    return true;
}

void FolderEvents::forget() {
    take_waiting();
    waiting_ = 0;
}

void FolderEvents::take_waiting() {
    std::array<char, 4096> buffer;
    while (true) {
        const ssize_t size = read(fd_.get(), buffer.data(), buffer.size());
        if (size <= 0) return;
        waiting_ += count_named({buffer.data(), static_cast<std::size_t>(size)});
    }
}

UniqueFd end_of(pid_t process) {
    UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, process, 0U)));
    REQUIRE(fd);
    return fd;
}

}  // namespace holdfast::mda
