// The program behind /usr/sbin/sendmail, mailq and newaliases. Runs with its caller's rights alone,
// and trusts neither the caller nor what he hands in; the daemon trusts it with nothing either.
#pragma once

#include <span>
#include <string_view>

#include "ctl/sendmail/process.h"
#include "ctl/sendmail/site.h"

namespace holdfast::sendmail {

// Does what `arguments` (the program's name first) say and returns the exit status. 0 means that
// the message is on disk; anything else, that nothing was taken.
int run(const Site& site, std::span<const std::string_view> arguments, Input input);

}  // namespace holdfast::sendmail
