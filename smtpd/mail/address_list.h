// Lists of addresses as people and programs write them: RFC 5322 section 3.4 with its obsolete
// forms (comments, groups, source routes), and the bare words that `sendmail root bob` takes. What
// can't be read is handed back as it was written; no address is ever made of fragments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

struct ListedAddress {
    std::string text;  // "local@domain", or "local": a quoted local part keeps its quotes
    bool has_domain = false;
    std::size_t local_end = 0;  // offset in the list behind the local part: where "@origin" goes
    // Where the domain stands in the list; white space and comments may lie between it and the "@".
    std::size_t domain_begin = 0;
    std::size_t domain_end = 0;
};

struct AddressList {
    std::vector<ListedAddress> addresses;
    std::vector<std::string> unreadable;  // trimmed; control bytes and all
};

// What several words without "@", angle brackets or commas between them are.
enum class BareWords : std::uint8_t {
    unreadable,  // in a header: "To: John Smith" names nobody
    recipients,  // in an operand: each is a local name
};

AddressList parse_address_list(std::string_view list, BareWords bare_words);

}  // namespace holdfast
