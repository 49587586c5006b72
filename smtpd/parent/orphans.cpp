#include "smtpd/parent/orphans.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "smtpd/base/read.h"
#include "smtpd/base/write.h"
#include "smtpd/links/rooms.h"

namespace holdfast {

namespace {

// A line of the record: "socket:[4711] 42 127.0.0.1:25".
struct Recorded {
    std::uint64_t cookie = 0;  // SO_COOKIE: no other socket has it until the machine starts again
    std::string text;          // of the listener
    bool found = false;
};
// By what /proc shows of the descriptor.
using Record = std::map<std::string, Recorded, std::less<>>;

std::optional<std::uint64_t> cookie_of(int socket) {
    std::uint64_t cookie = 0;
    socklen_t length = sizeof cookie;
    if (getsockopt(socket, SOL_SOCKET, SO_COOKIE, &cookie, &length) != 0) return {};
    return cookie;
}

std::string line_of(const BoundListener& one) {
    struct stat facts{};
    const auto cookie = cookie_of(one.socket.get());
    if (!cookie || fstat(one.socket.get(), &facts) != 0) return {};
    return "socket:[" + std::to_string(facts.st_ino) + "] " + std::to_string(*cookie) + " " +
           one.plan.text + "\n";
}

// Streams would bring locales along, half as much again as all of the parent.
std::string beginning_of(const std::string& path, std::size_t most) {
    const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return file ? read_at(file.get(), 0, most).value_or("") : std::string();
}

std::string_view take_until(char end, std::string_view& text) {
    const std::string_view taken = text.substr(0, text.find(end));
    text.remove_prefix(std::min(taken.size() + 1, text.size()));
    return taken;
}

template <class Number>
std::optional<Number> number_of(std::string_view name) {
    Number number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || end != name.data() + name.size()) return {};
    return number;
}

Record read_record(const std::string& path) {
    constexpr std::size_t longest = std::size_t{64} * 1024;
    const std::string text = beginning_of(path, longest);
    Record record;
    for (std::string_view rest = text; !rest.empty();) {
        std::string_view line = take_until('\n', rest);
        const std::string_view socket = take_until(' ', line);
        const auto cookie = number_of<std::uint64_t>(take_until(' ', line));
        if (cookie && !line.empty()) record.emplace(socket, Recorded{*cookie, std::string(line)});
    }
    return record;
}

UniqueFd open_process(int pid) {
    return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0U)));
}

bool is_room(const std::filesystem::path& process) {
    std::string wanted("smtpd: ");
    wanted += links::room_name(links::Room::smtpin);
    wanted += '\0';
    return beginning_of(process / "cmdline", wanted.size()) == wanted;
}

// One process: what it holds of the record. Each socket is taken from the first that has it.
void search(const std::filesystem::path& process, Record& record, Orphans& found) {
    UniqueFd pidfd;
    bool holds = false;
    std::error_code error;
    for (std::filesystem::directory_iterator at(process / "fd", error), end; !error && at != end;
         at.increment(error)) {
        std::error_code unreadable;
        const auto target = std::filesystem::read_symlink(at->path(), unreadable).string();
        const auto known = record.find(target);
        const auto descriptor = number_of<int>(at->path().filename().native());
        if (known == record.end() || !descriptor) continue;
        if (!pidfd) pidfd = open_process(*number_of<int>(process.filename().native()));
        UniqueFd socket(static_cast<int>(syscall(SYS_pidfd_getfd, pidfd.get(), *descriptor, 0U)));
        if (!socket || cookie_of(socket.get()) != known->second.cookie) continue;
        holds = true;
        if (std::exchange(known->second.found, true)) continue;
        auto listener = recognise_listener(known->second.text, std::move(socket));
        if (listener) found.listeners.push_back(std::move(*listener));
    }
    // A service manager that keeps them is none of ours.
    if (holds && is_room(process)) found.rooms.push_back(std::move(pidfd));
}

}  // namespace

Status record_listeners(const std::string& path, const std::vector<BoundListener>& listeners) {
    std::string text;
    for (const BoundListener& one : listeners) text += line_of(one);
    const std::string temporary = path + ".new";
    const UniqueFd file(
        open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!file) return errno_error("create", temporary);
    if (const auto written = write_all(file.get(), text); !written) {
        return written.error().in("write " + temporary);
    }
    if (rename(temporary.c_str(), path.c_str()) != 0) return errno_error("rename", temporary);
    return {};
}

Orphans find_orphans(const std::string& path) {
    Orphans found;
    Record record = read_record(path);
    if (record.empty()) return found;
    std::error_code error;
    for (std::filesystem::directory_iterator at("/proc", error), end; !error && at != end;
         at.increment(error)) {
        const auto pid = number_of<int>(at->path().filename().native());
        if (pid && *pid != getpid()) search(at->path(), record, found);
    }
    return found;
}

void relieve(const std::vector<UniqueFd>& rooms) {
    for (const UniqueFd& pidfd : rooms) {
        syscall(SYS_pidfd_send_signal, pidfd.get(), SIGTERM, nullptr, 0U);
    }
}

}  // namespace holdfast
