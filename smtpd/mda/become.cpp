#include "smtpd/mda/become.h"

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

}  // namespace

Status become(const Identity& identity) {
    if (identity.uid == 0) {
        return plain_error("mail is never delivered as root");
    }
    if (const auto done = change(identity); !done) return done;
    if (setuid(0) == 0 || seteuid(0) == 0) return plain_error("the change of user did not hold");
    return {};
}

Identity nobody() {
    return {overflow_id, overflow_id, overflow_id, {}};
}

}  // namespace holdfast::mda
