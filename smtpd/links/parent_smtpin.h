// parent <-> smtpin.
#pragma once

#include "smtpd/links/parent_room.h"

namespace holdfast::links {

using ParentToSmtpin = std::variant<Start, Peer, Listener, Go, Drain, NewLog>;
using SmtpinToParent = std::variant<Ready, Malformed, LogLost, Serving>;

}  // namespace holdfast::links
