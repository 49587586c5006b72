// mtactl reload-certs: the daemon's parent has its rooms read them, and answers on this connection.
#include <sysexits.h>
#include <unistd.h>

#include "ctl/client/output.h"
#include "ctl/mtactl/certificate_view.h"
#include "ctl/mtactl/command.h"
#include "ctl/mtactl/daemon.h"
#include "ctl/mtactl/report.h"
#include "smtpd/base/json.h"

namespace holdfast::mtactl {

namespace {

// It waits for a reload or restart in progress.
constexpr Duration patience = std::chrono::minutes(5);

Attempt<CertificateRows> reload(const Site& site) {
    auto daemon = Daemon::connect(site.control_socket);
    if (!daemon) return std::unexpected(daemon.error());
    CertificateRows rows;
    const auto collect = [&](const links::ControlToClient& message) {
        const auto* some = std::get_if<links::Certificates>(&message);
        if (some == nullptr) return;
        rows.insert(rows.end(), some->certificates.begin(), some->certificates.end());
    };
    auto done =
        daemon->ask(links::OrderRequest{links::Order::reload_certs, false}, patience, collect);
    if (!done) return std::unexpected(done.error());
    return rows;
}

std::string in_json(const CertificateRows& rows, WallTime now) {
    JsonObject object;
    object.flag("ok", true);
    object.number("status", EX_OK);
    object.raw("certificates", certificates_json(rows, now));
    return object.json() + "\n";
}

}  // namespace

// What expires is a warning and no failure: the hook of an ACME client asks whether what it has
// renewed is in use.
int ReloadCertsCommand::run(const Site& site, Form form) const {
    const auto rows = reload(site);
    if (!rows) return conclude_failure(form, rows.error());
    const WallTime now = real_clock().wall();
    const std::string text = rows->empty()
                                 ? "smtpd.conf names no certificates: there is nothing to read\n"
                                 : certificates_text(*rows, now);
    if (!print(STDOUT_FILENO, form == Form::json ? in_json(*rows, now) : text)) return EX_IOERR;
    for (const std::string& warning : expiry_warnings(*rows, now)) complain("mtactl", warning);
    return EX_OK;
}

}  // namespace holdfast::mtactl
