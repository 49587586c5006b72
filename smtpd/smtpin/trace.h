// The Received field that this server puts before a message (RFC 5321 section 4.4).
#pragma once

#include <string>

#include "smtpd/base/clock.h"
#include "smtpd/base/message_id.h"

namespace holdfast::smtpin {

struct Trace {
    std::string helo;      // as the client said, checked by is_helo_name()
    std::string client;    // address literal
    std::string hostname;  // ours
    std::string protocol;  // "SMTP" or "ESMTP" (RFC 3848)
    MessageId id;
    std::string recipient;  // the only one; empty where there are more, who must not be disclosed
    WallTime time;
};

// Folded lines with LF ends.
std::string received_field(const Trace& trace);

}  // namespace holdfast::smtpin
