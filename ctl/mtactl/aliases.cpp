// mtactl aliases.
#include "ctl/client/output.h"
#include "ctl/mtactl/command.h"
#include "ctl/mtactl/daemon.h"
#include "ctl/mtactl/report.h"

namespace holdfast::mtactl {

namespace {

// The daemon starts a process that reads the files, and answers when it is done.
constexpr Duration patience = std::chrono::seconds(30);

// On success: the warnings.
Attempt<std::string> read_again(const Site& site) {
    auto daemon = Daemon::connect(site.control_socket);
    if (!daemon) return std::unexpected(daemon.error());
    return daemon->ask(links::AliasesRequest{}, patience);
}

}  // namespace

int AliasesCommand::run(const Site& site, Form form) const {
    auto read = read_again(site);
    std::string& text = read ? *read : read.error().text;
    if (form == Form::text) text = print_complaints(text);
    if (read) read->append("the alias files have been read again");
    return conclude(form, read);
}

}  // namespace holdfast::mtactl
