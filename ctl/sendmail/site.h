// Where this program finds the daemon, and how long it waits: compiled in, so that no caller can
// say otherwise. Tests have sites of their own.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "smtpd/base/clock.h"
#include "smtpd/base/paths.h"

namespace holdfast::sendmail {

struct Site {
    std::string control_socket = paths::control_socket;
    std::string drop = paths::drop;
    // Of the message, in bytes: the highest limit that smtpd.conf(5) can set. The one that it does
    // set is the daemon's to apply, which says so itself.
    std::size_t max_message = std::size_t{2} << 30;
    // How long a daemon that is there may stay silent before the message goes into drop/ instead.
    Duration silence = std::chrono::seconds(10);
    // How long a daemon that is not there is waited for: a restart leaves no gap, a crash a short
    // one.
    Duration absence = std::chrono::seconds(1);
    // After an error, the writer of our input is heard out so long and so far: cron's children
    // would otherwise die of SIGPIPE before they could report.
    Duration drain = std::chrono::seconds(5);
    std::size_t max_drain = 67'108'864;
};

}  // namespace holdfast::sendmail
