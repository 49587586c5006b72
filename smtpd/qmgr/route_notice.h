// The one mail that tells the administrator that a route is closed by a failure of ours, and that
// mail for it waits (F45). Pure.
#pragma once

#include <string>
#include <vector>

#include "queue/envelope.h"
#include "queue/record.h"
#include "smtpd/base/clock.h"

namespace holdfast::qmgr {

struct RouteNotice {
    MessageId id;
    WallTime now;
    std::string hostname;
    std::string origin;
    std::string relays;  // "main, spare"
    std::string places;  // where smtpd.conf names them
    std::string why;
};

std::string render_route_notice(const RouteNotice& notice);

// To the postmaster, wherever he reads his mail, and to the mailbox of root, which needs no route.
Envelope route_notice_envelope(const RouteNotice& notice);
std::vector<queue::LogEntry> route_notice_verdicts(const RouteNotice& notice);

}  // namespace holdfast::qmgr
