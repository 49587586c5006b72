// From relay statements to what the rooms get: relay the servers and the files that it may ask for,
// qmgr their names. Pure, and cannot fail: every part has been checked.
#pragma once

#include <vector>

#include "smtpd/config/names.h"
#include "smtpd/config/settings.h"
#include "smtpd/links/snapshots.h"

namespace holdfast::config {

// Without any relay: nothing.
links::RelaySnapshot plan_relay(const Settings& settings, const Names& names);

// In the same order.
std::vector<links::RelayLabel> relay_labels(const Settings& settings);

}  // namespace holdfast::config
