// smtpin <-> qmgr.
#pragma once

#include <variant>

#include "smtpd/links/transfer.h"

namespace holdfast::links {

// May this client send to this recipient? Asked at RCPT; answered in the order asked.
struct RecipientQuery {
    std::uint64_t query = 0;
    std::string sender;
    std::string recipient;
    bool may_relay = false;  // the client may send to other machines
};

struct RecipientReply {
    std::uint64_t query = 0;
    Refusal refusal;  // code 0: accepted
};

using SmtpinToQmgr = std::variant<RecipientQuery, Begin, Recipients, Chunk, End, Abort>;
using QmgrToSmtpin = std::variant<RecipientReply, Credit, Committed, Rejected>;

}  // namespace holdfast::links
