// Where an agent delivers to: a Maildir, a mailbox file, or nowhere, with the reason.
#pragma once

#include <variant>

#include "smtpd/mda/maildir.h"
#include "smtpd/mda/mbox.h"

namespace holdfast::mda {

// Takes nothing: each job gets the same answer, so nothing is ever stored.
struct Closed {
    Outcome why;

    std::string head(const links::Deliver& /*order*/) const { return {}; }
    Result<UniqueFd> spill_file(const links::Deliver& /*order*/) const {
        return plain_error(why.text);
    }
    void discard(const links::Deliver& /*order*/) const {}
    std::string spill_place() const { return {}; }
    bool gone() const { return false; }
    std::vector<Outcome> store(std::span<const Parcel> batch) const {
        return std::vector(batch.size(), why);
    }
};

using Mailbox = std::variant<Closed, Mbox, Maildir>;

}  // namespace holdfast::mda
