#include "smtpd/probe/summary.h"

#include <string_view>
#include <vector>

#include "smtpd/base/paths.h"
#include "smtpd/base/quote.h"

namespace holdfast::probe {

namespace {

std::string_view tls_word(links::TlsMode mode) {
    switch (mode) {
        case links::TlsMode::none:
            return "";
        case links::TlsMode::starttls:
            return " starttls";
        case links::TlsMode::implicit:
            return " smtps";
    }
    return "";
}

std::string list(const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& item : items) text.append(text.empty() ? "" : ", ").append(item);
    return text;
}

std::string listening(const links::Plan& plan) {
    std::string text;
    for (const links::ListenPlan& listener : plan.listeners) {
        text += "\n  listen " + listener.text + std::string(tls_word(listener.tls));
        for (const links::RelayRight& right : plan.smtpin.relay_rights) {
            if (right.listener == listener.text) text += " from " + list(right.networks);
        }
    }
    for (const links::CertificatePlan& certificate : plan.certificates) {
        text += "\n  cert " + certificate.host + ": " + certificate.chain;
    }
    return text;
}

// As a route statement has it, in its usual spelling.
std::string addresses(const links::RoutePlan& route) {
    if (route.by == links::RouteBy::all) return "all";
    const std::string_view by = route.by == links::RouteBy::sender ? "sender " : "to ";
    const std::string_view front = route.match == links::RouteMatch::domain       ? "@"
                                   : route.match == links::RouteMatch::subdomains ? "*."
                                                                                  : "";
    return std::string(by).append(front).append(escaped(route.pattern));
}

std::string leaving(const links::Plan& plan) {
    std::string text;
    for (const links::RelayLabel& relay : plan.qmgr.relays) {
        text += "\n  relay " + relay.name + ": " + relay.description;
    }
    for (const links::RoutePlan& route : plan.qmgr.routes) {
        std::vector<std::string> names;
        names.reserve(route.relays.size());
        for (const std::uint32_t relay : route.relays) {
            names.push_back(plan.qmgr.relays.at(relay).name);
        }
        text += "\n  route " + addresses(route) + " via " + list(names);
    }
    const links::RewritePlan& rewrite = plan.relay.rewrite;
    if (!rewrite.from.empty()) text += "\n  rewrite from " + escaped(rewrite.from);
    if (!rewrite.masquerade.empty()) text += "\n  masquerade " + rewrite.masquerade;
    if (!plan.qmgr.redirect.empty()) text += "\n  redirect all to " + escaped(plan.qmgr.redirect);
    return text;
}

}  // namespace

std::string summary(const links::Plan& plan) {
    std::string text = "configuration OK: ";
    text += plan.config.empty() ? "built-in default (no " + std::string(paths::config_file) + ")"
                                : plan.config;
    text += listening(plan) + leaving(plan);
    text += "\n  hostname " + plan.smtpin.hostname + ", origin " + plan.qmgr.origin;
    return text + "\n  aliases: " + std::to_string(plan.aliases.aliases.size()) + "\n";
}

}  // namespace holdfast::probe
