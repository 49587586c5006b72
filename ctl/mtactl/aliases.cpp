// mtactl aliases.
#include "ctl/mtactl/command.h"
#include "ctl/mtactl/daemon.h"
#include "ctl/mtactl/report.h"

namespace holdfast::mtactl {

namespace {

// The daemon starts a process that reads the files, and answers when it is done.
constexpr Duration patience = std::chrono::seconds(30);

Attempt<std::string> read_again(const Site& site) {
    auto daemon = Daemon::connect(site.control_socket);
    if (!daemon) return std::unexpected(daemon.error());
    const auto read = daemon->ask(links::AliasesRequest{}, patience);
    if (!read) return std::unexpected(read.error());
    return "the alias files have been read again";
}

}  // namespace

int AliasesCommand::run(const Site& site, Form form) const {
    return conclude(form, read_again(site));
}

}  // namespace holdfast::mtactl
