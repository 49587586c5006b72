#include "smtpd/mda/account.h"

#include <algorithm>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "smtpd/links/users_client.h"
#include "smtpd/mda/outcome.h"

namespace holdfast::mda {

namespace {

constexpr unsigned patience_seconds = 60;
constexpr std::size_t max_entry = 1 << 20;
constexpr int max_groups = 65536;  // the kernel's limit

std::vector<gid_t> groups_of(const passwd& entry) {
    std::vector<gid_t> groups(max_groups);
    int count = max_groups;
    getgrouplist(entry.pw_name, entry.pw_gid, groups.data(), &count);
    groups.resize(static_cast<std::size_t>(std::min(count, max_groups)));
    return groups;
}

Destination as_oneself(const Account& account, const Setting& setting,
                       const links::MdaSnapshot& snapshot) {
    return {{setting.own_uid, setting.own_gid, setting.own_gid, {}},
            snapshot.mailbox,
            account.name,
            account.home};
}

}  // namespace

Outcome no_account(const std::string& name, int code) {
    // Only a clean "no" is one: every errno is a database that could not answer, and a guess
    // would bounce mail to people who exist.
    if (code == 0) return refused("5.1.1", "there is no user " + name + " here");
    return retry("4.3.0",
                 "the user database does not answer about " + name + ": " + errno_text(code));
}

std::expected<Account, Outcome> find_account(const std::string& name) {
    if (!links::may_get_mail(name)) return std::unexpected(no_account(name, 0));
    alarm(patience_seconds);
    std::vector<char> buffer(max_entry);
    passwd entry{};
    passwd* found = nullptr;
    const int code = getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    const auto groups = found == nullptr ? std::vector<gid_t>() : groups_of(entry);
    alarm(0);
    if (found == nullptr) return std::unexpected(no_account(name, code));
    Account account{entry.pw_name, entry.pw_uid, entry.pw_gid, groups, entry.pw_dir};
    // A directory service may answer for another spelling of the name.
    if (!links::may_get_mail(account.name)) return std::unexpected(no_account(account.name, 0));
    return account;
}

Account root_account() {
    return {"root", 0, 0, {}, {}};
}

std::expected<Destination, Outcome> destination(const Account& account, const Setting& setting,
                                                const links::MdaSnapshot& snapshot) {
    const bool is_root = account.name == "root";
    if (account.uid == 0 && !is_root) {
        return std::unexpected(refused(
            "5.7.1",
            "user " + account.name + " has uid 0, which gets no mail: give the name an alias"));
    }
    if (!setting.privileged) {
        const bool own = account.uid == setting.own_uid && setting.own_uid != 0;
        if (own) return as_oneself(account, setting, snapshot);
        return std::unexpected(
            refused("5.7.1", "this Holdfast was started by uid " + std::to_string(setting.own_uid) +
                                 " and delivers to that user only, not to " + account.name));
    }
    if (is_root && (snapshot.root_uid == 0 || snapshot.root_gid == 0 || snapshot.mail_gid == 0)) {
        return std::unexpected(retry("4.3.5",
                                     "root's mail has no owner: create the system user _hfroot "
                                     "and group mail, or give root an alias"));
    }
    if (is_root) {
        return Destination{
            {snapshot.root_uid, snapshot.root_gid, snapshot.mail_gid, {snapshot.root_gid}},
            links::Mailbox::mbox,
            "root",
            {}};
    }
    const bool mbox = snapshot.mailbox == links::Mailbox::mbox;
    if (mbox && snapshot.mail_gid == 0) {
        return std::unexpected(
            retry("4.3.5", "group mail, which mailboxes belong to, is missing: create it"));
    }
    return Destination{
        {account.uid, account.gid, mbox ? snapshot.mail_gid : account.gid, account.groups},
        snapshot.mailbox,
        account.name,
        account.home};
}

}  // namespace holdfast::mda
