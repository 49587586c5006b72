#include "smtpd/config/plan.h"

#include <utility>

#include "smtpd/base/paths.h"
#include "smtpd/config/listeners.h"
#include "smtpd/config/relay_plan.h"

namespace holdfast::config {

links::Plan make_plan(Parts parts) {
    links::Plan plan;
    plan.config = parts.settings.file;
    plan.statements = std::move(parts.settings.statements);
    plan.smtpin = std::move(parts.settings.smtpin);
    plan.control = std::move(parts.settings.control);
    plan.qmgr = std::move(parts.settings.qmgr);
    plan.mda = std::move(parts.settings.mda);
    plan.qmgr.local_domains = local_domains(parts.settings, parts.names);

    plan.qmgr.relays = relay_labels(parts.settings);
    if (parts.settings.redirect) {
        plan.qmgr.redirect = parts.settings.redirect->value;
        plan.qmgr.redirect_place = parts.settings.redirect->place.text();
    }
    plan.relay = plan_relay(parts.settings, parts.names);

    plan.smtpin.relay_rights = relay_rights(parts.settings.listens, parts.listeners);
    plan.smtpin.hostname = parts.names.hostname;
    plan.control.hostname = parts.names.hostname;
    plan.control.origin = parts.names.origin;
    plan.qmgr.hostname = parts.names.hostname;
    plan.qmgr.origin = parts.names.origin;
    plan.mda.hostname = parts.names.hostname;

    plan.mda.mail_folder = paths::mail;
    plan.mda.mail_gid = parts.accounts.mail_gid;
    plan.mda.root_uid = parts.accounts.root_mailbox_uid;
    plan.mda.root_gid = parts.accounts.root_mailbox_gid;

    plan.listeners = std::move(parts.listeners);
    plan.identities = std::move(parts.accounts.rooms);
    plan.aliases = std::move(parts.aliases);
    for (const Cert& cert : parts.settings.certs) {
        plan.certificates.push_back(
            {cert.host.value, cert.host.place.text(), cert.chain.value, cert.key.value});
    }
    return plan;
}

}  // namespace holdfast::config
