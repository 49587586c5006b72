#include "smtpd/mda/dot_lock.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <sstream>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smtpd/base/read.h"

namespace holdfast::mda {

namespace {

// Ours and no other program's: for the owner alone, and "executable".
constexpr mode_t our_mode = 0700;
constexpr std::time_t old_after_seconds = 5 * 60;
// Of every text: one write replaces the one before, and no kill leaves half of each.
constexpr std::size_t text_length = 128;

struct stat facts_of(int fd) {
    struct stat facts{};
    if (fstat(fd, &facts) != 0) facts = {};
    return facts;
}

bool is_ours(const struct stat& facts) {
    return S_ISREG(facts.st_mode) && (facts.st_mode & 07777) == our_mode &&
           facts.st_uid == geteuid() && facts.st_nlink == 1;
}

// Also where its time lies in the future: a clock that was set back must not stop the mail.
bool is_old(const struct stat& facts) {
    return std::labs(std::time(nullptr) - facts.st_mtime) > old_after_seconds;
}

// Whether the file of these facts still has its name.
bool is_at(const DotLock::Place& place, const struct stat& facts) {
    struct stat now{};
    return fstatat(place.folder, place.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0 &&
           now.st_ino == facts.st_ino && now.st_dev == facts.st_dev;
}

bool hold(int fd) {
    return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

}  // namespace

std::string lock_text(pid_t owner, std::string_view boot,
                      const std::optional<AppendRecord>& append) {
    std::string text = std::to_string(owner) + "\n";
    if (append && !boot.empty()) {
        text.append(boot).append(" " + std::to_string(append->inode));
        text.append(" " + std::to_string(append->begin) + " " + std::to_string(append->end) + "\n");
    }
    text.resize(std::max(text.size(), text_length), '\n');
    return text;
}

std::optional<AppendRecord> parse_lock(std::string_view text, std::string_view boot) {
    std::istringstream words{std::string(text)};
    pid_t owner = 0;
    std::string owners_boot;
    AppendRecord append;
    words >> owner >> owners_boot >> append.inode >> append.begin >> append.end;
    if (!words || owners_boot != boot || append.end < append.begin) return std::nullopt;
    return append;
}

std::string boot_id() {
    const UniqueFd file(open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
    if (!file) return {};
    const auto text = read_at(file.get(), 0, text_length);
    if (!text) return {};
    const std::size_t end = text->find_first_not_of("0123456789abcdef-");
    return std::string(text->substr(0, end));
}

Result<std::optional<DotLock>> DotLock::try_take(const Place& place) {
    constexpr int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC;
    const char* name = place.name.c_str();
    UniqueFd file(openat(place.folder, name, flags | O_CREAT | O_EXCL, our_mode));
    if (!file && errno != EEXIST) return errno_error("create", place.name);
    if (!file) {
        struct stat facts{};
        if (fstatat(place.folder, name, &facts, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
        if (!is_ours(facts)) {
            if (const auto done = break_old(place); !done) return done.error().pass();
            return std::nullopt;
        }
        file.reset(openat(place.folder, name, flags));
    }
    // A new file too may have been taken for a dead one's before this: then another has the lock.
    if (!file || !hold(file.get())) return std::nullopt;
    std::optional<DotLock> lock(DotLock(place, std::move(file)));
    if (!lock->in_place()) return std::nullopt;
    const auto text = read_at(lock->file_.get(), 0, text_length);
    if (!text) return text.error().in(place.name);
    lock->inherited_ = parse_lock(*text, place.boot);
    if (const auto done = lock->record(lock->inherited_); !done) return done.error().pass();
    return lock;
}

// The flock keeps two agents from breaking one lock, where the second would hit a new one.
Status DotLock::break_old(const Place& place) {
    const UniqueFd file(
        openat(place.folder, place.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file) return {};  // gone, or not for us to judge: it is held until it goes away
    const struct stat facts = facts_of(file.get());
    if (!S_ISREG(facts.st_mode) || !is_old(facts) || !hold(file.get()) || !is_at(place, facts)) {
        return {};
    }
    if (unlinkat(place.folder, place.name.c_str(), 0) != 0) {
        return errno_error("remove the old lock", place.name);
    }
    return {};
}

DotLock::DotLock(DotLock&& other) noexcept = default;

// Removed first, let go second: an agent that waits with the file open sees that it is gone.
DotLock::~DotLock() {
    if (file_ && in_place()) unlinkat(place_.folder, place_.name.c_str(), 0);
}

bool DotLock::in_place() const {
    const struct stat held = facts_of(file_.get());
    return is_ours(held) && is_at(place_, held);
}

Status DotLock::record(const std::optional<AppendRecord>& append) {
    const std::string text = lock_text(getpid(), place_.boot, append);
    const ssize_t written = ::pwrite(file_.get(), text.data(), text.size(), 0);
    if (written < 0) return errno_error("write", place_.name);
    // Half a record could name another append: the disk is full.
    if (written != static_cast<ssize_t>(text.size())) {
        return std::unexpected(Error(ENOSPC, "write", place_.name));
    }
    return {};
}

}  // namespace holdfast::mda
