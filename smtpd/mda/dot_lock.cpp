#include "smtpd/mda/dot_lock.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <ctime>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smtpd/mda/content.h"

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

bool hold(int fd) {
    return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

std::optional<std::string_view> take_word(std::string_view& text, char end) {
    const std::size_t at = text.find(end);
    if (at == std::string_view::npos) return std::nullopt;
    const std::string_view word = text.substr(0, at);
    text.remove_prefix(at + 1);
    return word;
}

std::optional<std::uint64_t> take_number(std::string_view& text, char end) {
    const auto word = take_word(text, end);
    if (!word || word->empty()) return std::nullopt;
    std::uint64_t value = 0;
    const auto [stop, problem] = std::from_chars(word->data(), word->data() + word->size(), value);
    if (problem != std::errc() || stop != word->data() + word->size()) return std::nullopt;
    return value;
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
    if (boot.empty() || !take_number(text, '\n')) return std::nullopt;
    if (take_word(text, ' ') != boot) return std::nullopt;
    const auto inode = take_number(text, ' ');
    const auto begin = take_number(text, ' ');
    const auto end = take_number(text, '\n');
    if (!inode || !begin || !end || *end < *begin) return std::nullopt;
    return AppendRecord{*inode, *begin, *end};
}

std::string boot_id() {
    const UniqueFd file(open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
    if (!file) return {};
    std::string buffer;
    const auto text = read_at(file.get(), 0, text_length, buffer);
    if (!text) return {};
    const std::size_t end = text->find_first_not_of("0123456789abcdef-");
    return std::string(text->substr(0, end));
}

Result<std::optional<DotLock>> DotLock::try_take(const Place& place) {
    UniqueFd file(openat(place.folder, place.name.c_str(),
                         O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, our_mode));
    if (!file && errno == EEXIST) return take_over(place);
    if (!file) return errno_error("create", place.name);
    // Between the two calls another agent may have taken the file for a dead one's: then it has
    // the lock.
    if (!hold(file.get())) return std::nullopt;
    DotLock lock(place, std::move(file));
    if (!lock.in_place()) {
        lock.file_.reset();
        return std::nullopt;
    }
    if (const auto done = lock.write_text({}); !done) return done.error().in(place.name);
    return std::optional<DotLock>(std::move(lock));
}

Result<std::optional<DotLock>> DotLock::take_over(const Place& place) {
    struct stat facts{};
    if (fstatat(place.folder, place.name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return std::nullopt;  // just released
        return errno_error("look at", place.name);
    }
    if (!is_ours(facts)) {
        if (const auto done = break_old(place); !done) return done.error().pass();
        return std::nullopt;
    }
    UniqueFd file(openat(place.folder, place.name.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
    if (!file || !hold(file.get())) return std::nullopt;
    DotLock lock(place, std::move(file));
    if (!lock.in_place()) {
        lock.file_.reset();
        return std::nullopt;
    }
    std::string buffer;
    const auto text = read_at(lock.file_.get(), 0, text_length, buffer);
    if (!text) return text.error().in(place.name);
    lock.inherited_ = parse_lock(*text, place.boot);
    if (const auto done = lock.write_text(lock.inherited_); !done) {
        return done.error().in(place.name);
    }
    return std::optional<DotLock>(std::move(lock));
}

// The flock keeps two agents from breaking one lock, where the second would hit a new one.
Status DotLock::break_old(const Place& place) {
    const UniqueFd file(
        openat(place.folder, place.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file) return {};  // gone, or not for us to judge: it is held until it goes away
    const struct stat facts = facts_of(file.get());
    struct stat now{};
    if (!S_ISREG(facts.st_mode) || !is_old(facts) || !hold(file.get()) ||
        fstatat(place.folder, place.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0 ||
        now.st_ino != facts.st_ino || now.st_dev != facts.st_dev) {
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
    struct stat now{};
    const struct stat held = facts_of(file_.get());
    return fstatat(place_.folder, place_.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0 &&
           now.st_ino == held.st_ino && now.st_dev == held.st_dev && is_ours(now);
}

Status DotLock::record(const AppendRecord& append) {
    return write_text(append);
}

Status DotLock::write_text(const std::optional<AppendRecord>& append) {
    const std::string text = lock_text(getpid(), place_.boot, append);
    const ssize_t written = ::pwrite(file_.get(), text.data(), text.size(), 0);
    if (written != static_cast<ssize_t>(text.size())) return errno_error("write", place_.name);
    return {};
}

}  // namespace holdfast::mda
