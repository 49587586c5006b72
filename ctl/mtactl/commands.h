// The commands, one function each: talks to the daemon, prints, returns the exit status.
#pragma once

#include <string>

#include "ctl/mtactl/command.h"

namespace holdfast::mtactl {

// Where things are; fixed when the program is built (base/paths.h), another place in tests.
struct Site {
    std::string control_socket;
    std::string probe;
};

int run_status(const Site& site, Form form);
int run_check(const Site& site, Form form, const CheckCommand& command);
int run_list(const Site& site, Form form);
int run_show(const Site& site, Form form, const ShowCommand& command);
int run_remove(const Site& site, Form form, const RemoveCommand& command);
int run_flush(const Site& site, Form form, const FlushCommand& command);
int run_aliases(const Site& site, Form form);
int run_stop(const Site& site, Form form, const StopCommand& command);

int run(const Site& site, const Invocation& invocation);

}  // namespace holdfast::mtactl
