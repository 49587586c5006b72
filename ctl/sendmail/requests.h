// What is asked of the daemon without a message: mailq, newaliases, -q. Standard input is never
// read.
#pragma once

#include <string_view>

#include "ctl/client/outcome.h"
#include "ctl/sendmail/options.h"
#include "ctl/sendmail/site.h"

namespace holdfast::sendmail {

// Prints the queue on standard output.
Attempt<void> print_queue(const Site& site);

// Has the daemon try deferred messages now: those of Options::flushed, or all.
Attempt<void> flush_queue(const Site& site, const Options& options);

// Has the daemon read the alias files again, and prints what it complains of. Fails where it finds
// an error in them, or gives no answer. That there is no daemon is told, as `name`, and no failure:
// it reads them when it starts.
Attempt<void> reload_aliases(const Site& site, std::string_view name);

}  // namespace holdfast::sendmail
