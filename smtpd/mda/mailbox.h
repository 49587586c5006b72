// Where an agent delivers to: a Maildir, a mailbox file, or nowhere, with the reason.
#pragma once

#include <variant>

#include "smtpd/mda/maildir.h"
#include "smtpd/mda/mbox.h"

namespace holdfast::mda {

// Takes nothing: each job gets the same answer.
struct Closed {
    Outcome why;
};

using Mailbox = std::variant<Closed, Mbox, Maildir>;

}  // namespace holdfast::mda
