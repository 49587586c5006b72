// Who the user is: asked of the system's user database, as root and before anything has come from
// qmgr. A name is all that the agent was told.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include <sys/types.h>

#include "queue/verdict.h"
#include "smtpd/base/error.h"
#include "smtpd/links/parent_room.h"
#include "smtpd/links/snapshots.h"

namespace holdfast::mda {

struct Account {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups;  // gid among them
    std::string home;
};

// What every job is told where there is no account: 5.1.1 for a name that is no user's, retry for
// a database that does not answer. Blocks while it answers; a minute at most, then the process
// dies (a module of the C library can't be interrupted otherwise).
std::expected<Account, Outcome> find_account(const std::string& name);

// The same from what the C library has said: `code` is the result of getpwnam_r().
Outcome no_account(const std::string& name, int code);

// As whom to deliver, and where.
struct Identity {
    uid_t uid = 0;
    gid_t gid = 0;
    gid_t effective_gid = 0;  // mail's, for a mailbox file; else gid
    std::vector<gid_t> groups;
};

struct Destination {
    Identity identity;
    links::Mailbox mailbox = links::Mailbox::mbox;
    std::string name;  // of the mailbox file
    std::string home;
};

// Mail is never delivered as uid 0: root's goes to the mailbox "root" of an identity of its own.
// Without privilege (`own_uid` is the process's) only to the user who runs it, as himself.
struct Setting {
    bool privileged = false;
    uid_t own_uid = 0;
    gid_t own_gid = 0;
};
std::expected<Destination, Outcome> destination(const Account& account, const Setting& setting,
                                                const links::MdaSnapshot& snapshot);

// root needs no account of the database: this stands in for it.
Account root_account();

}  // namespace holdfast::mda
