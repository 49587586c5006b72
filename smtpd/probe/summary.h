// What a good configuration comes to, for a person who has it checked. Pure.
#pragma once

#include <string>

#include "smtpd/links/snapshots.h"

namespace holdfast::probe {

// Some lines, the first of them "configuration OK: FILE".
std::string summary(const links::Plan& plan);

}  // namespace holdfast::probe
