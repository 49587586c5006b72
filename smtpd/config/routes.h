// Which relay mail takes: route statements in their order, the first one that fits decides. Pure.
#pragma once

#include <vector>

#include "smtpd/config/diagnostic.h"
#include "smtpd/config/reading.h"
#include "smtpd/config/settings.h"
#include "smtpd/links/snapshots.h"

namespace holdfast::config {

// Behind `route all`, `route sender` and `route to`.
void read_route_all(Reading& words, Settings& settings);
void read_route_sender(Reading& words, Settings& settings);
void read_route_to(Reading& words, Settings& settings);

// All routes, with their relays as places in settings.relays. Where there is one relay statement
// and no `route all`, the relay is the way for everything else; of several none is chosen: an
// error. Warns of routes that can never match.
Checked<std::vector<links::RoutePlan>> plan_routes(const Settings& settings);

// Warns of relays that nothing goes to; for settings without errors.
Diagnostics unused_relays(const Settings& settings, const std::vector<links::RoutePlan>& routes);

}  // namespace holdfast::config
