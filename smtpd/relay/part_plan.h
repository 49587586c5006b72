// What becomes of one part of a message on its way to one server.
#pragma once

#include <string_view>

#include "smtpd/relay/message_facts.h"
#include "smtpd/relay/transfer_encoder.h"

namespace holdfast::relay {

struct PartPlan {
    TransferForm form = TransferForm::as_it_is;  // of its text
    std::string_view label;    // its new Content-Transfer-Encoding; empty: what it says stays
    std::string_view charset;  // of a text that has no Content-Type and needs one; else empty
};

PartPlan plan_for(const PartFacts& part, Octets octets);

}  // namespace holdfast::relay
