// What comes of a recipient, from what the server said or from what we found.
#pragma once

#include <string>
#include <string_view>

#include "queue/verdict.h"
#include "smtpd/relay/server_reply.h"

namespace holdfast::relay {

// "RCPT: 550 5.1.1 no such user": what the server answered to what.
std::string answer_text(std::string_view command, const ServerReply& reply);

// By the class of the code: 2xx delivered, 4xx retry, else refused. The status is the server's, or
// the class alone ("5.0.0").
Outcome outcome_of(std::string_view command, const ServerReply& reply);

// Ours; `enhanced` begins with 5 and with 4.
Outcome refused(std::string_view enhanced, std::string_view text);
Outcome retry(std::string_view enhanced, std::string_view text);

}  // namespace holdfast::relay
