#include "smtpd/parent/spool_check.h"

#include <array>

#include <sys/stat.h>

namespace holdfast {

namespace {

// holdfast-queue(5).
constexpr std::array contents{"tmp", "queue", "seen", "quarantine", "drop", "lock"};

std::string ids(const links::Identity& who, std::string_view between) {
    return std::to_string(who.uid) + std::string(between) + std::to_string(who.gid);
}

Status check_folder(const std::string& path, const links::Identity& queue) {
    struct stat facts{};
    if (lstat(path.c_str(), &facts) != 0) {
        if (errno != ENOENT) return errno_error("look at the spool", path);
        return plain_error("the spool " + path +
                           " is missing: make it with: install -d -m 0711 -o " +
                           ids(queue, " -g ") + " " + path);
    }
    if (!S_ISDIR(facts.st_mode)) {
        return plain_error("the spool " + path + " is no directory: move it out of the way");
    }
    if ((facts.st_mode & S_IRWXU) != S_IRWXU) {
        return plain_error("the spool " + path +
                           " can't be used by its owner: mend it with: chmod 0711 " + path);
    }
    return {};
}

}  // namespace

Status check_spool(const std::string& path, const links::Identity& queue) {
    if (const auto folder = check_folder(path, queue); !folder) return folder.error().pass();
    std::string strange;  // those with another owner
    uid_t owner = 0;
    const auto look_at = [&](const std::string& one) {
        struct stat facts{};
        if (lstat(one.c_str(), &facts) != 0 || facts.st_uid == queue.uid) return;
        strange += " " + one;
        owner = facts.st_uid;
    };
    look_at(path);
    for (const char* name : contents) look_at(path + "/" + name);
    if (strange.empty()) return {};
    return plain_error("the spool belongs to uid " + std::to_string(owner) + ", not to uid " +
                       std::to_string(queue.uid) + " as the queue does: mend it with: chown " +
                       ids(queue, ":") + strange);
}

}  // namespace holdfast
