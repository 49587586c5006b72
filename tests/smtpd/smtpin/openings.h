// How the dialogues of the session's tests begin, and a qmgr that consents to everything.
#pragma once

#include <string_view>

#include "tests/smtpd/smtpin/dialogue.h"

namespace holdfast::smtpin {

// From the greeting to the answer to EHLO.
inline constexpr std::string_view hello = R"(
    S: 220 mx.example ESMTP Holdfast
    C: EHLO client.example
    S: 250-mx.example
    S: 250-PIPELINING
    S: 250-SIZE 1000
    S: 250-8BITMIME
    S: 250 ENHANCEDSTATUSCODES
)";

// From MAIL to 354.
inline constexpr std::string_view to_data = R"(
    C: MAIL FROM:<a@client.example>
    S: 250 2.1.0 Ok
    C: RCPT TO:<b@mx.example>
    Q: ask a@client.example b@mx.example
    A: yes
    S: 250 2.1.5 Ok
    C: DATA
    S: 354 *
)";

// As test_policy(), for messages of 50 MB.
Policy large_policy();

// Takes what qmgr was sent, and answers: yes to each recipient, credit for each chunk, committed.
void answer_all(Dialogue& dialogue);

// All from EHLO to 354, in one burst.
void open_body(Dialogue& dialogue);

}  // namespace holdfast::smtpin
