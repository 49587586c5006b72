// From the admin's files to the plan: which file is read when, and all that is wrong with them.
#pragma once

#include <string>

#include "smtpd/base/clock.h"
#include "smtpd/config/diagnostic.h"
#include "smtpd/config/plan.h"
#include "smtpd/links/snapshots.h"
#include "smtpd/probe/admin_file.h"

namespace holdfast::probe {

struct Request {
    std::string file;  // empty: the default path, which may be missing
    std::string node_name;
    config::Checked<config::Accounts> accounts;
    const Clock& clock;
};

// With errors among the diagnostics the plan is not to be used.
config::Checked<links::Plan> load(const AdminFiles& files, Request request);

}  // namespace holdfast::probe
