// mtactl aliases.
#include "ctl/mtactl/command.h"
#include "ctl/mtactl/daemon.h"
#include "ctl/mtactl/display.h"
#include "ctl/mtactl/report.h"

namespace holdfast::mtactl {

namespace {

// The daemon starts a process that reads the files, and answers when it is done.
constexpr Duration patience = std::chrono::seconds(30);

// On success: the warnings.
Attempt<std::string> read_again(const Site& site) {
    auto daemon = Daemon::connect(site.control_socket);
    if (!daemon) return std::unexpected(daemon.error());
    return daemon->ask_for_text(links::AliasesRequest{}, patience);
}

// Errors and warnings have lines of their own, with places and carets; the verdict is the last
// line.
void print_complaints(std::string& text) {
    const std::size_t end = text.rfind('\n') + 1;
    print_usage(safe_text(std::string_view(text).substr(0, end)));
    text.erase(0, end);
}

}  // namespace

int AliasesCommand::run(const Site& site, Form form) const {
    auto read = read_again(site);
    if (form == Form::text) print_complaints(read ? *read : read.error().text);
    if (read) read->append("the alias files have been read again");
    return conclude(form, read);
}

}  // namespace holdfast::mtactl
