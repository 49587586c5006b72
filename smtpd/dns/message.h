// Reads a DNS message (RFC 1035 section 4): of its answer section, the records of one type. Pure,
// total, bounded.
//
// Whom a record belongs to is not looked at: libunbound has left nothing in the answer section but
// the chain of aliases that begins at the name that was asked for, and what stands at its end.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/dns/answer.h"

namespace holdfast::dns {

struct Message {
    int rcode = 0;
    bool truncated = false;
    std::vector<std::string> records;  // RDATA, at most max_records
};

// Of one type. What comes behind these is left out.
inline constexpr std::size_t max_records = 100;

// Nothing where the message is malformed up to the end of its answer section. Records of an
// address type that have another length than such an address are malformed.
std::optional<Message> parse_message(std::string_view packet, RecordType type);

}  // namespace holdfast::dns
