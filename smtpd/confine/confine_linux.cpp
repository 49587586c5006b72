#include <algorithm>

#include <grp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "smtpd/base/log.h"
#include "smtpd/confine/confine.h"
#include "smtpd/confine/filter_linux.h"
#include "smtpd/confine/landlock_linux.h"

namespace holdfast {

namespace {

Status change_root(const std::string& root) {
    if (root.empty()) return {};
    if (chroot(root.c_str()) != 0) return errno_error("chroot to", root);
    if (chdir("/") != 0) return errno_error("chdir into", root);
    return {};
}

// Each call is checked, and the result too: a process that goes on as root by mistake is how
// other mail systems were lost (F35).
Status change_identity(uid_t uid, gid_t gid) {
    if (uid == 0 || gid == 0) return plain_error("a room must not run as root");
    if (setgroups(0, nullptr) != 0) return errno_error("give up supplementary groups");
    if (setresgid(gid, gid, gid) != 0) return errno_error("change group to", std::to_string(gid));
    if (setresuid(uid, uid, uid) != 0) return errno_error("change user to", std::to_string(uid));
    uid_t real = 0;
    uid_t effective = 0;
    uid_t saved = 0;
    if (getresuid(&real, &effective, &saved) != 0 || real != uid || effective != uid ||
        saved != uid || setuid(0) == 0) {
        return plain_error("the change of user did not hold");
    }
    return {};
}

Status give_up_privileges() {
    const rlimit no_core{0, 0};
    if (setrlimit(RLIMIT_CORE, &no_core) != 0) return errno_error("forbid core dumps");
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno_error("forbid tracing");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno_error("forbid new privileges");
    return {};
}

bool kernel_lacks_landlock(const Error& error) {
    return error.code() == ENOSYS || error.code() == EOPNOTSUPP;
}

}  // namespace

Status confine(const links::Start& start, const Confinement& confinement) {
    if (start.privileged) {
        if (const auto done = change_root(start.root); !done) return done.error().pass();
        if (const auto done = change_identity(start.uid, start.gid); !done) {
            return done.error().pass();
        }
    }
    return confine_calls(confinement);
}

Status confine_calls(const Confinement& confinement) {
    if (const auto done = give_up_privileges(); !done) return done.error().pass();
    const bool dials =
        std::ranges::find(confinement.powers, Power::ip_client) != confinement.powers.end();
    const auto files = restrict_files(confinement.readable, confinement.writable,
                                      dials ? Network::open : Network::closed);
    if (!files && !kernel_lacks_landlock(files.error())) return files.error().pass();
    if (!files) log::warning("landlock-missing", {{"reason", files.error()}});
    return install_filter(allowed_calls(confinement.powers));
}

}  // namespace holdfast
