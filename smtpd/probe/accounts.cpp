#include "smtpd/probe/accounts.h"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "smtpd/links/rooms.h"

namespace holdfast::probe {

namespace {

constexpr const char* mail_group = "mail";
constexpr const char* root_mailbox_user = "_hfroot";

struct RoomUser {
    links::Room room;
    const char* user;
};

// A new room with a user of its own is a row here, and a line of the sysusers file.
constexpr std::array room_users{
    RoomUser{links::Room::smtpin, "_hfsmtp"}, RoomUser{links::Room::control, "_hfctl"},
    RoomUser{links::Room::qmgr, "_hfqueue"},  RoomUser{links::Room::users, "_hfuser"},
    RoomUser{links::Room::signer, "_hfkeys"}, RoomUser{links::Room::relay, "_hfrelay"},
};

struct Numbers {
    uid_t uid = 0;
    gid_t gid = 0;
};

class Lookup {
  public:
    config::Checked<config::Accounts> result() {
        for (const auto& [room, user] : room_users) add_room(room, user);
        if (const auto found = user(root_mailbox_user)) {
            accounts_.root_mailbox_uid = found->uid;
            accounts_.root_mailbox_gid = found->gid;
        }
        add_mail_group();
        report_missing();
        return {std::move(accounts_), std::move(diagnostics_)};
    }

  private:
    void add_room(links::Room room, const char* name) {
        const auto found = user(name);
        if (!found) return;
        accounts_.rooms.push_back({std::string(links::room_name(room)), found->uid, found->gid});
    }

    // Rooms that shared a uid could trace each other; one that was root would not be confined.
    std::optional<Numbers> user(const char* name) {
        const passwd* const entry = getpwnam(name);
        if (entry == nullptr) {
            missing_.emplace_back(name);
            return std::nullopt;
        }
        const Numbers found{entry->pw_uid, entry->pw_gid};
        const auto [other, is_new] = owners_.try_emplace(found.uid, name);
        if (found.uid == 0 || found.gid == 0) {
            diagnostics_.error({}, "user " + config::in_quotes(name) + " has the rights of root",
                               "give it a uid and a group of its own");
        } else if (!is_new) {
            diagnostics_.error({},
                               "users " + config::in_quotes(other->second) + " and " +
                                   config::in_quotes(name) + " have the same uid",
                               "give each a uid of its own");
        }
        return found;
    }

    void add_mail_group() {
        const group* const entry = getgrnam(mail_group);
        if (entry == nullptr) {
            return diagnostics_.error({}, "there is no group \"mail\"",
                                      "create it: groupadd --system mail");
        }
        accounts_.mail_gid = entry->gr_gid;
    }

    void report_missing() {
        if (missing_.empty()) return;
        std::string message = "missing users:";
        for (const std::string& name : missing_) message += " " + name;
        diagnostics_.add({.place = {},
                          .message = std::move(message),
                          .notes = {"create them: systemd-sysusers holdfast.conf",
                                    "or, for each: useradd --system --user-group --home-dir "
                                    "/nonexistent --shell /usr/sbin/nologin NAME"}});
    }

    config::Accounts accounts_;
    config::Diagnostics diagnostics_;
    std::vector<std::string> missing_;
    std::map<uid_t, std::string> owners_;
};

}  // namespace

config::Checked<config::Accounts> look_up_accounts() {
    if (geteuid() == 0) return Lookup().result();
    return {{.rooms = {},
             .mail_gid = getegid(),
             .root_mailbox_uid = geteuid(),
             .root_mailbox_gid = getegid()},
            {}};
}

}  // namespace holdfast::probe
