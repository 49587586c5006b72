#include "smtpd/smtpin/facts.h"

#include "smtpd/base/panic.h"

namespace holdfast::smtpin {

std::string_view to_text(Subject subject) {
    switch (subject) {
        case Subject::command:
            return "command";
        case Subject::sender:
            return "sender";
        case Subject::recipient:
            return "recipient";
        case Subject::message:
            return "message";
    }
    panic("a subject of refusal without a name");
}

std::string_view to_text(Reason reason) {
    switch (reason) {
        case Reason::quit:
            return "quit";
        case Reason::client_left:
            return "client left";
        case Reason::timeout:
            return "timeout";
        case Reason::too_many_errors:
            return "too many errors";
        case Reason::bare_line_end:
            return "bare CR or LF";
        case Reason::foreign_protocol:
            return "not SMTP";
        case Reason::draining:
            return "draining";
        case Reason::too_long:
            return "session too long";
    }
    panic("an end of a session without a name");
}

}  // namespace holdfast::smtpin
