// What this machine is called, where smtpd.conf does not say: no resolver is asked, so that a
// broken DNS never changes an address. Pure: the machine's answers come in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "smtpd/config/diagnostic.h"
#include "smtpd/config/settings.h"

namespace holdfast::config {

// What the machine says of itself.
struct Machine {
    std::string node_name;                // gethostname()
    std::string mailname_file;            // /etc/mailname
    std::optional<std::string> mailname;  // its text, where there is one
};

struct Names {
    std::string hostname;  // lower case, with a dot unless the configuration says otherwise
    std::string origin;    // lower case
};

// hostname: as configured, else the node name, with ".localdomain" where it has no dot.
// origin: as configured, else the first line of /etc/mailname, else the hostname.
// A name of the machine that is no domain name is warned of and not used.
Checked<Names> choose_names(const Settings& settings, const Machine& machine);

// Whose addresses are users and aliases of this machine, in lower case, sorted: "localhost", the
// hostname, its first label alone ("root@box"), the origin, and what domain statements name.
std::vector<std::string> local_domains(const Settings& settings, const Names& names);

}  // namespace holdfast::config
