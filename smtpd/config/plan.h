// The end of the work: all that was read and looked up becomes the plan that the parent gets.
// Pure, and cannot fail: every part has been checked.
#pragma once

#include <cstdint>
#include <vector>

#include "smtpd/config/names.h"
#include "smtpd/config/settings.h"
#include "smtpd/links/snapshots.h"

namespace holdfast::config {

// Who the rooms are, as numbers.
struct Accounts {
    std::vector<links::Identity> rooms;  // empty where smtpd is not run by root
    std::uint32_t mail_gid = 0;
    std::uint32_t root_mailbox_uid = 0;  // owner of the mailbox of root
    std::uint32_t root_mailbox_gid = 0;
};

struct Parts {
    Settings settings;
    Names names;
    std::vector<links::ListenPlan> listeners;
    links::AliasSnapshot aliases;
    Accounts accounts;
};

links::Plan make_plan(Parts parts);

}  // namespace holdfast::config
