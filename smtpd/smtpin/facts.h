// What a session did that the log should hold, beside what qmgr writes of the mail it accepts.
// Sessions are pure: connection.cpp has these written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "smtpd/base/clock.h"
#include "smtpd/base/message_id.h"
#include "smtpd/mail/reply.h"

namespace holdfast::smtpin {

enum class Subject : std::uint8_t { command, sender, recipient, message };

// The first refusal of a command, a sender or a message in this session (later ones are counted),
// and each of a recipient.
struct Refused {
    Subject subject = Subject::command;
    std::string helo;
    std::string sender;
    std::string recipient;  // empty unless the subject is one
    Reply reply;
};

enum class Reason : std::uint8_t {
    quit,
    client_left,
    timeout,
    too_many_errors,
    bare_line_end,
    foreign_protocol,
    draining,
    displaced,  // idle while others had no place
    no_tls,     // a handshake failed
};

struct Ended {
    Reason reason = Reason::quit;
    std::string helo;
    unsigned accepted = 0;
    unsigned refused = 0;
    // The client left while qmgr was committing: the message stands, and may come again.
    std::optional<MessageId> unanswered;
    std::string tls;  // version and cipher; empty where there was none
};

// The client sent so many bytes behind STARTTLS before the handshake: as an attacker does who wants
// them taken for commands of the session that follows (F17).
struct Injected {
    std::size_t bytes = 0;
};

struct HandshakeFailed {
    std::string helo;
    std::string why;
};

using Fact = std::variant<Refused, Ended, Injected, HandshakeFailed>;

// Writes what a session did into the log; the events are listed in smtpd(8). `client` with its
// port; `age` of the session.
void report(const Fact& fact, const std::string& client, Duration age);

}  // namespace holdfast::smtpin
