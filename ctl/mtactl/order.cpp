// mtactl reload, restart: the daemon's parent does it and says how it went, on this connection,
// whatever has become of its rooms and its program meanwhile.
#include <unistd.h>

#include "ctl/client/output.h"
#include "ctl/mtactl/command.h"
#include "ctl/mtactl/daemon.h"
#include "ctl/mtactl/report.h"
#include "smtpd/base/json.h"
#include "smtpd/base/quote.h"

namespace holdfast::mtactl {

namespace {

// A step of the parent's takes seconds at most; but it may have to wait for sessions of an older
// generation (15 minutes for an open DATA).
constexpr Duration patience = std::chrono::minutes(20);

struct Done {
    links::Outcome outcome;
    std::string warnings;  // of the configuration, lines with their places
};

Attempt<Done> give(const Site& site, const OrderCommand& command) {
    auto daemon = Daemon::connect(site.control_socket);
    if (!daemon) return std::unexpected(daemon.error());
    Done done;
    const auto watch = [&](const links::ControlToClient& message) {
        if (const auto* said = std::get_if<links::Progress>(&message)) {
            complain("mtactl", said->text);
        } else if (const auto* outcome = std::get_if<links::Outcome>(&message)) {
            done.outcome = *outcome;
        }
    };
    auto text = daemon->ask(links::OrderRequest{command.order, command.haste == Haste::now},
                            patience, watch);
    if (!text) return std::unexpected(text.error());
    done.warnings = std::move(*text);
    return done;
}

std::string in_words(const links::Outcome& outcome) {
    std::string text;
    for (const std::string& change : outcome.changes) text += harmless(change) + "\n";
    return text + "smtpd " + harmless(outcome.version) + " serves as generation " +
           std::to_string(outcome.generation) + "\n";
}

std::string in_json(const links::Outcome& outcome) {
    JsonObject object;
    object.flag("ok", true);
    object.number("status", EX_OK);
    object.number("generation", outcome.generation);
    object.text("version", outcome.version);
    object.raw("changes", json_strings(outcome.changes));
    return object.json() + "\n";
}

}  // namespace

int OrderCommand::run(const Site& site, Form form) const {
    auto done = give(site, *this);
    if (!done) {
        std::string& text = done.error().text;
        if (form == Form::text) text = print_complaints(text);
        return conclude_failure(form, done.error());
    }
    if (form == Form::text) print_complaints(done->warnings);
    const bool printed =
        print(STDOUT_FILENO, form == Form::json ? in_json(done->outcome) : in_words(done->outcome));
    return printed ? EX_OK : EX_IOERR;
}

}  // namespace holdfast::mtactl
