// Aliases that lead back to themselves, for an administrator who should know before mail is lost in
// them. Pure, linear in the table; what such mail meets is qmgr's business.
#pragma once

#include <span>
#include <string>

#include "smtpd/config/diagnostic.h"
#include "smtpd/links/snapshots.h"

namespace holdfast::config {

// One warning for each way back, at the alias that it leads to. An alias among its own targets is
// no loop: it means the mailbox (smtpd.conf(5)). `local_domains` are sorted and in lower case.
Diagnostics alias_loops(const links::AliasSnapshot& table,
                        std::span<const std::string> local_domains);

}  // namespace holdfast::config
