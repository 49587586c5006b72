// From listen statements to sockets: each address and port once, however many lines name it, so
// that no configuration can end in "Address already in use" against itself. Pure.
#pragma once

#include <vector>

#include "smtpd/config/diagnostic.h"
#include "smtpd/config/settings.h"
#include "smtpd/links/snapshots.h"

namespace holdfast::config {

// Statements that overlap are merged (a socket for all addresses serves the specific one too),
// with a warning that names both lines; where they want different TLS, or take mail for others
// from different networks, that is an error.
Checked<std::vector<links::ListenPlan>> plan_listeners(const std::vector<Listen>& listens);

// Of those listeners that have networks: who may send to other machines through each.
std::vector<links::RelayRight> relay_rights(const std::vector<Listen>& listens,
                                            const std::vector<links::ListenPlan>& listeners);

}  // namespace holdfast::config
