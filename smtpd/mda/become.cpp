#include "smtpd/mda/become.h"

#include <algorithm>

#include <grp.h>
#include <unistd.h>

namespace holdfast::mda {

namespace {

constexpr uid_t overflow_id = 65534;

Status change(const Identity& to) {
    if (setgroups(to.groups.size(), to.groups.data()) != 0) {
        return errno_error("change supplementary groups");
    }
    if (setresgid(to.gid, to.effective_gid, to.effective_gid) != 0) {
        return errno_error("change group to", std::to_string(to.gid));
    }
    if (setresuid(to.uid, to.uid, to.uid) != 0) {
        return errno_error("change user to", std::to_string(to.uid));
    }
    return {};
}

bool has_users(uid_t uid) {
    uid_t real = 0;
    uid_t effective = 0;
    uid_t saved = 0;
    return getresuid(&real, &effective, &saved) == 0 && real == uid && effective == uid &&
           saved == uid;
}

bool has_groups(gid_t gid, gid_t effective_gid) {
    gid_t real = 0;
    gid_t effective = 0;
    gid_t saved = 0;
    return getresgid(&real, &effective, &saved) == 0 && real == gid && effective == effective_gid &&
           saved == effective_gid;
}

bool has_supplementary(std::vector<gid_t> wanted) {
    std::vector<gid_t> now(static_cast<std::size_t>(std::max(getgroups(0, nullptr), 0)));
    const int count = getgroups(static_cast<int>(now.size()), now.data());
    if (count != static_cast<int>(now.size())) return false;
    std::ranges::sort(now);
    std::ranges::sort(wanted);
    return now == wanted;
}

}  // namespace

Status become(const Identity& identity) {
    if (identity.uid == 0) {
        return plain_error("mail is never delivered as root");
    }
    if (const auto done = change(identity); !done) return done;
    if (!has_users(identity.uid) || !has_groups(identity.gid, identity.effective_gid) ||
        !has_supplementary(identity.groups) || setuid(0) == 0 || seteuid(0) == 0) {
        return plain_error("the change of user did not hold");
    }
    return {};
}

Identity nobody() {
    return {overflow_id, overflow_id, overflow_id, {}};
}

}  // namespace holdfast::mda
