#include "smtpd/parent/notify.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <fcntl.h>

#include "smtpd/base/error.h"
#include "smtpd/base/log.h"
#include "smtpd/base/quote.h"
#include "smtpd/links/parent_room.h"
#include "smtpd/loop/loop.h"
#include "smtpd/parent/outfit.h"

namespace holdfast {

namespace {

constexpr Duration retry_after = std::chrono::milliseconds(50);
constexpr std::size_t max_status = 400;
constexpr int first_inherited = 3;  // SD_LISTEN_FDS_START
constexpr int max_inherited = 4096;

std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

std::optional<std::int64_t> number_in(const char* name) {
    const std::string text = environment(name);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) return {};
    return value;
}

// A path, or `@` and an abstract name. Newer managers know other families; they offer those to
// virtual machines only.
struct Address {
    sockaddr_un address{};
    socklen_t length = 0;  // 0: none
};

Address notify_address(const std::string& text) {
    Address result;
    const bool usable = text.size() > 1 && (text[0] == '/' || text[0] == '@') &&
                        text.size() < sizeof result.address.sun_path;
    if (!usable) return result;
    result.address.sun_family = AF_UNIX;
    std::memcpy(result.address.sun_path, text.data(), text.size());
    std::size_t length = offsetof(sockaddr_un, sun_path) + text.size();
    if (text[0] == '@') {
        result.address.sun_path[0] = '\0';
    } else {
        ++length;
    }
    result.length = static_cast<socklen_t>(length);
    return result;
}

// One line: a line end would begin another assignment.
std::string status_line(std::string_view text) {
    return "STATUS=" + harmless(text.substr(0, max_status));
}

std::string monotonic_microseconds() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::to_string(std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000);
}

// What the watchdog waits for at most, where it watches this process.
std::optional<Duration> watchdog_limit() {
    const auto limit = number_in("WATCHDOG_USEC");
    const auto pid = number_in("WATCHDOG_PID");
    if (!limit || *limit <= 0 || pid.value_or(getpid()) != getpid()) return {};
    return std::chrono::microseconds(*limit);
}

}  // namespace

ServiceManager::ServiceManager(Loop& loop)
    : retry_(loop, [this] { say_what_waits(); }), watchdog_(loop, [this] { feed_watchdog(); }) {
    const Address found = notify_address(environment("NOTIFY_SOCKET"));
    if (found.length == 0) return;
    address_ = found.address;
    address_length_ = found.length;
    socket_.reset(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto limit = watchdog_limit();
    if (!socket_ || !limit) return;
    watchdog_period_ = *limit / 3;  // one that comes late does no harm
    feed_watchdog();
}

void ServiceManager::ready(std::string_view status) {
    say("READY=1\n" + status_line(status));
}

// The time tells the manager which READY=1 ends it.
void ServiceManager::reloading(std::string_view status) {
    say("RELOADING=1\nMONOTONIC_USEC=" + monotonic_microseconds() + "\n" + status_line(status));
}

void ServiceManager::status(std::string_view text) {
    say(status_line(text));
}

void ServiceManager::stopping(std::string_view status) {
    say("STOPPING=1\n" + status_line(status));
}

// FDPOLL=0: else the manager drops a socket on which it sees an error.
void ServiceManager::store(std::string_view name, int fd) {
    if (!present()) return;
    say("FDSTORE=1\nFDPOLL=0\nFDNAME=" + std::string(name), duplicate(fd));
}

void ServiceManager::forget(std::string_view name) {
    say("FDSTOREREMOVE=1\nFDNAME=" + std::string(name));
}

void ServiceManager::feed_watchdog() {
    watchdog_.set(*watchdog_period_);
    // Whoever takes nothing gets no further signs of life stacked up.
    if (waiting_.empty()) say("WATCHDOG=1");
}

void ServiceManager::say(std::string text, UniqueFd fd) {
    if (!present()) return;
    Message message{std::move(text), std::move(fd)};
    if (waiting_.empty() && send(message)) return;
    if (waiting_.size() >= max_waiting) return send_failed(ENOBUFS);
    waiting_.push_back(std::move(message));
    if (!retry_.pending()) retry_.set(retry_after);
}

// The queue of a datagram socket cannot be waited for with poll() by who is not connected to it,
// and who is would have to notice a manager that has been executed anew.
void ServiceManager::say_what_waits() {
    while (!waiting_.empty() && send(waiting_.front())) waiting_.pop_front();
    if (!waiting_.empty()) retry_.set(retry_after);
}

bool ServiceManager::send(const Message& message) {
    iovec text{const_cast<char*>(message.text.data()), message.text.size()};
    msghdr head{};
    head.msg_name = &address_;
    head.msg_namelen = address_length_;
    head.msg_iov = &text;
    head.msg_iovlen = 1;
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int))> rights{};
    if (message.fd) {
        head.msg_control = rights.data();
        head.msg_controllen = rights.size();
        cmsghdr* const one = CMSG_FIRSTHDR(&head);
        one->cmsg_level = SOL_SOCKET;
        one->cmsg_type = SCM_RIGHTS;
        one->cmsg_len = CMSG_LEN(sizeof(int));
        const int fd = message.fd.get();
        std::memcpy(CMSG_DATA(one), &fd, sizeof fd);
    }
    // The kernel adds who we are, since the receiver asks for it (SO_PASSCRED).
    if (sendmsg(socket_.get(), &head, MSG_NOSIGNAL) >= 0) {
        deaf_ = false;
        return true;
    }
    if (errno == EAGAIN || errno == EINTR) return false;
    send_failed(errno);
    return true;
}

// Told once; the mail goes on.
void ServiceManager::send_failed(int code) {
    if (std::exchange(deaf_, true)) return;
    log::warning("service-manager-deaf", {{"reason", errno_text(code)}});
}

std::vector<InheritedFd> take_inherited_fds() {
    const bool ours = number_in("LISTEN_PID") == getpid();
    const auto count = number_in("LISTEN_FDS");
    std::string names = environment("LISTEN_FDNAMES");
    for (const char* name : {"LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"}) {
        unsetenv(name);
    }
    std::vector<InheritedFd> result;
    if (!ours || !count || *count < 0 || *count > max_inherited) return result;
    std::string_view rest = names;
    const int end = first_inherited + static_cast<int>(*count);
    for (int number = first_inherited; number < end; ++number) {
        const std::string_view name = rest.substr(0, rest.find(':'));
        rest.remove_prefix(std::min(name.size() + 1, rest.size()));
        if (fcntl(number, F_SETFD, FD_CLOEXEC) < 0) continue;  // a number without a descriptor
        UniqueFd fd(number);
        if (number <= links::parent_fd) {
            // Behind them all: a gap between them is not ours to fill.
            fd.reset(fcntl(number, F_DUPFD_CLOEXEC, end));
        }
        result.push_back({std::string(name), std::move(fd)});
    }
    return result;
}

std::string fd_name(std::string_view text) {
    std::string result;
    for (const char byte : percent_encoded(text)) {
        result += byte == ':' ? std::string("%3A") : std::string(1, byte);
    }
    return result;
}

std::optional<std::string> text_of_fd_name(std::string_view name) {
    auto text = percent_decoded(name);
    if (!text || fd_name(*text) != name) return {};
    return text;
}

}  // namespace holdfast
