#include "smtpd/dns/answer.h"

#include <array>

namespace holdfast::dns {

Meaning meaning_of(const Response& response) {
    if (response.security == Security::bogus) return Meaning::unavailable;
    if (response.rcode == nxdomain && !response.truncated) return Meaning::no_such_name;
    if (response.rcode != noerror) return Meaning::unavailable;
    if (response.records > 0) return Meaning::found;
    return response.truncated ? Meaning::unavailable : Meaning::no_data;
}

std::string rcode_text(int rcode) {
    constexpr std::array<std::string_view, 6> names{"NOERROR",  "FORMERR", "SERVFAIL",
                                                    "NXDOMAIN", "NOTIMP",  "REFUSED"};
    const auto number = static_cast<std::size_t>(rcode);
    if (rcode >= 0 && number < names.size()) return std::string(names[number]);
    return "response code " + std::to_string(rcode);
}

}  // namespace holdfast::dns
