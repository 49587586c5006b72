#include "smtpd/mda/mailbox_file.h"

#include <fcntl.h>
#include <unistd.h>

namespace holdfast::mda {

namespace {

constexpr mode_t mailbox_mode = 0600;

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
    constexpr int flags =
        O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    MailboxFile mailbox(UniqueFd(openat(place.folder, place.name.c_str(), flags, mailbox_mode)));
    if (mailbox.fd() < 0) return open_failed(place);
    struct stat facts{};
    if (fstat(mailbox.fd(), &facts) != 0) return errno_error("look at mailbox", place.path);
    if (const auto why = objection(facts, place.path)) return plain_error(*why);
    return mailbox;
}

Result<bool> MailboxFile::try_lock() const {
    struct flock lock{};  // of the whole file
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
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
