// What is asked of the daemon without a message: mailq, newaliases, -q. Standard input is never
// read.
#pragma once

#include "ctl/sendmail/exit_status.h"
#include "ctl/sendmail/options.h"
#include "ctl/sendmail/site.h"

namespace holdfast::sendmail {

// Prints the queue on standard output.
Attempt<void> print_queue(const Site& site);

// Has the daemon try deferred messages now: those of Options::flushed, or all.
Attempt<void> flush_queue(const Site& site, const Options& options);

// Has the daemon read the alias files again. Fails only where it finds an error in them: without a
// daemon there is nothing to do, since it reads them when it starts.
Attempt<void> reload_aliases(const Site& site);

}  // namespace holdfast::sendmail
