// The listen statement: an address, its TLS, and the networks whose clients may send to other
// machines. Pure; sockets come of it in listeners.h.
#pragma once

#include "smtpd/config/reading.h"
#include "smtpd/config/settings.h"

namespace holdfast::config {

// Behind the word `listen`.
void read_listen(Reading& words, Settings& settings);

}  // namespace holdfast::config
