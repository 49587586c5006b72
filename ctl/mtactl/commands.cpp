#include "ctl/mtactl/commands.h"

namespace holdfast::mtactl {

namespace {

// Chooses by type: a command without a function here does not compile.
struct Runner {
    const Site& site;
    Form form;

    int operator()(const StatusCommand&) const { return run_status(site, form); }
    int operator()(const CheckCommand& command) const { return run_check(site, form, command); }
    int operator()(const ListCommand&) const { return run_list(site, form); }
    int operator()(const ShowCommand& command) const { return run_show(site, form, command); }
    int operator()(const RemoveCommand& command) const { return run_remove(site, form, command); }
    int operator()(const FlushCommand& command) const { return run_flush(site, form, command); }
    int operator()(const AliasesCommand&) const { return run_aliases(site, form); }
    int operator()(const StopCommand& command) const { return run_stop(site, form, command); }
};

}  // namespace

int run(const Site& site, const Invocation& invocation) {
    return std::visit(Runner{site, invocation.form}, invocation.command);
}

}  // namespace holdfast::mtactl
