#include "smtpd/mda/mailbox_file.h"

#include <fcntl.h>
#include <unistd.h>

namespace holdfast::mda {

namespace {

constexpr mode_t mailbox_mode = 0600;
// In a folder where others may create and rename, the file may come and go between two calls.
constexpr int attempts = 20;

struct flock whole_file(short type) {
    struct flock lock{};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    return lock;
}

std::string_view kind_of(mode_t mode) {
    if (S_ISLNK(mode)) return "a symbolic link";
    if (S_ISDIR(mode)) return "a directory";
    if (S_ISFIFO(mode)) return "a FIFO";
    if (S_ISSOCK(mode)) return "a socket";
    return "a device";
}

// Why a file must not be written to; nothing where it may.
std::optional<std::string> objection(const struct stat& facts, const std::string& path) {
    const std::string mailbox = "mailbox " + path;
    if (!S_ISREG(facts.st_mode)) {
        return mailbox + " is " + std::string(kind_of(facts.st_mode)) +
               ", not a file: remove it, or replace it by a file of the user";
    }
    if (facts.st_uid != geteuid()) {
        return mailbox + " belongs to uid " + std::to_string(facts.st_uid) + " instead of uid " +
               std::to_string(geteuid()) + ": chown it, or move it away";
    }
    if (facts.st_nlink != 1) {
        return mailbox + " has " + std::to_string(facts.st_nlink) +
               " names (hard links): it must have one; remove the others";
    }
    return std::nullopt;
}

std::unexpected<Error> open_failed(const MailboxFile::Place& place) {
    const int code = errno;
    struct stat facts{};
    if (fstatat(place.folder, place.name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) == 0) {
        if (const auto why = objection(facts, place.path)) return plain_error(*why);
    }
    return std::unexpected(Error(code, "open mailbox", place.path));
}

}  // namespace

Result<MailboxFile> MailboxFile::open(const Place& place) {
    for (int attempt = 1;; ++attempt) {
        auto file = open_once(place);
        const bool came_or_went =
            !file && (file.error().code() == ENOENT || file.error().code() == EEXIST);
        if (!came_or_went || attempt == attempts) return file;
    }
}

Result<MailboxFile> MailboxFile::open_once(const Place& place) {
    constexpr int flags = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    UniqueFd file(openat(place.folder, place.name.c_str(), flags));
    if (!file && errno == ENOENT) {
        file.reset(
            openat(place.folder, place.name.c_str(), flags | O_CREAT | O_EXCL, mailbox_mode));
    }
    if (!file) return open_failed(place);
    MailboxFile mailbox(std::move(file));
    struct stat facts{};
    if (fstat(mailbox.fd(), &facts) != 0) return errno_error("look at mailbox", place.path);
    if (const auto why = objection(facts, place.path)) return plain_error(*why);
    return mailbox;
}

Result<bool> MailboxFile::try_lock() const {
    const struct flock lock = whole_file(F_WRLCK);
    if (fcntl(fd(), F_SETLK, &lock) == 0) return true;
    if (errno == EAGAIN || errno == EACCES) return false;
    return errno_error("lock mailbox");
}

Result<bool> MailboxFile::in_place(const Place& place) const {
    struct stat held{};
    struct stat now{};
    if (fstat(fd(), &held) != 0) return errno_error("look at mailbox", place.path);
    if (fstatat(place.folder, place.name.c_str(), &now, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return false;
        return errno_error("look at mailbox", place.path);
    }
    if (held.st_ino != now.st_ino || held.st_dev != now.st_dev) return false;
    if (const auto why = objection(held, place.path)) return plain_error(*why);
    return true;
}

}  // namespace holdfast::mda
