#include "smtpd/config/names.h"

#include <set>
#include <string_view>

#include "smtpd/mail/address.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

bool has_dot(std::string_view name) {
    return name.find('.') != std::string_view::npos;
}

std::string choose_hostname(const Settings& settings, const Machine& machine,
                            Diagnostics& diagnostics) {
    if (settings.hostname) {
        const std::string& name = settings.hostname->value;
        if (!has_dot(name)) {
            diagnostics.warn(settings.hostname->place,
                             "a name without a dot: other servers may refuse it",
                             "use the full name, such as " + name + ".example.net");
        }
        return name;
    }
    const std::string name = machine.node_name + (has_dot(machine.node_name) ? "" : ".localdomain");
    if (is_domain_name(name)) return ascii::lower_case(name);
    const std::string nameless = "localhost.localdomain";
    diagnostics.warn({},
                     "this machine's name " + in_quotes(machine.node_name) +
                         " is not a domain name; mail calls it " + nameless,
                     "set one in smtpd.conf: hostname NAME");
    return nameless;
}

std::string mailname_or(const std::string& hostname, const Machine& machine,
                        Diagnostics& diagnostics) {
    if (!machine.mailname) return hostname;
    const std::string_view text = *machine.mailname;
    const std::string_view line = ascii::trimmed(text.substr(0, text.find('\n')));
    if (is_domain_name(line)) return ascii::lower_case(line);
    diagnostics.warn(
        {.file = machine.mailname_file, .line = 1, .source = {}},
        in_quotes(line) + " is not a domain name; names without a domain get @" + hostname,
        "write one there, or set it in smtpd.conf: origin DOMAIN");
    return hostname;
}

}  // namespace

Checked<Names> choose_names(const Settings& settings, const Machine& machine) {
    Checked<Names> chosen;
    Names& names = chosen.value;
    names.hostname = choose_hostname(settings, machine, chosen.diagnostics);
    names.origin = settings.origin ? settings.origin->value
                                   : mailname_or(names.hostname, machine, chosen.diagnostics);
    return chosen;
}

std::vector<std::string> local_domains(const Settings& settings, const Names& names) {
    const std::string short_name = names.hostname.substr(0, names.hostname.find('.'));
    std::set<std::string> domains{"localhost", names.hostname, short_name, names.origin};
    for (const auto& [domain, place] : settings.domains) domains.insert(domain);
    return {domains.begin(), domains.end()};
}

}  // namespace holdfast::config
