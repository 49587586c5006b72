#include "smtpd/config/names.h"

#include <string_view>

#include "smtpd/config/domain.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

constexpr std::string_view nameless = "localhost.localdomain";

bool has_dot(std::string_view name) {
    return name.find('.') != std::string_view::npos;
}

Checked<std::string> machine_hostname(const Machine& machine) {
    const std::string name = machine.node_name + (has_dot(machine.node_name) ? "" : ".localdomain");
    if (const auto domain = parse_domain(name)) return {*domain, {}};
    Diagnostics diagnostics;
    diagnostics.add({.severity = Severity::warning,
                     .place = {},
                     .message = "this machine's name " + in_quotes(machine.node_name) +
                                " is not a domain name; mail calls it " + std::string(nameless),
                     .notes = {"set one in smtpd.conf: hostname NAME"}});
    return {std::string(nameless), std::move(diagnostics)};
}

Checked<std::string> configured_hostname(const Placed& hostname) {
    Diagnostics diagnostics;
    if (!has_dot(hostname.value)) {
        diagnostics.add(
            {.severity = Severity::warning,
             .place = hostname.place,
             .message = "a name without a dot: other servers may refuse it",
             .notes = {"use the full name, such as " + hostname.value + ".example.net"}});
    }
    return {hostname.value, std::move(diagnostics)};
}

Checked<std::string> mailname_or(std::string hostname, const Machine& machine) {
    if (!machine.mailname) return {std::move(hostname), {}};
    const std::string_view line =
        ascii::trimmed(std::string_view(*machine.mailname).substr(0, machine.mailname->find('\n')));
    if (const auto domain = parse_domain(line)) return {*domain, {}};
    Diagnostics diagnostics;
    diagnostics.add({.severity = Severity::warning,
                     .place = {.file = machine.mailname_file, .line = 1, .source = {}},
                     .message = in_quotes(line) + " is not a domain name; names without a domain " +
                                "get @" + hostname,
                     .notes = {"write one there, or set it in smtpd.conf: origin DOMAIN"}});
    return {std::move(hostname), std::move(diagnostics)};
}

}  // namespace

Checked<Names> choose_names(const Settings& settings, const Machine& machine) {
    auto hostname =
        settings.hostname ? configured_hostname(*settings.hostname) : machine_hostname(machine);
    Diagnostics diagnostics = std::move(hostname.diagnostics);
    if (settings.origin) {
        return {{std::move(hostname.value), settings.origin->value}, std::move(diagnostics)};
    }
    auto origin = mailname_or(hostname.value, machine);
    diagnostics.append(std::move(origin.diagnostics));
    return {{std::move(hostname.value), std::move(origin.value)}, std::move(diagnostics)};
}

}  // namespace holdfast::config
