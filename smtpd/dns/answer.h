// What a question to the DNS came to. The one table that tells a name that is not there from a
// name server that cannot say (F44). Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::dns {

enum class RecordType : std::uint16_t { a = 1, aaaa = 28 };

enum class Meaning : std::uint8_t {
    found,         // there are such records
    no_such_name,  // NXDOMAIN
    no_data,       // the name is there, without records of that type
    unavailable,   // nobody could say: nothing may be concluded from it
};

enum class Security : std::uint8_t {
    insecure,  // not signed, or nobody looked
    bogus,     // signed, and the signatures do not fit
    secure,    // signed, and traced to a trust anchor
};

// The names of RFC 1035 section 4.1.1. Others are numbers as they stand in a response.
inline constexpr int noerror = 0;
inline constexpr int servfail = 2;
inline constexpr int nxdomain = 3;

struct Response {
    int rcode = servfail;
    bool truncated = false;
    std::size_t records = 0;  // of the type that was asked for
    Security security = Security::insecure;
};

// A response without an address is final only where it is whole, and where it is not forged.
Meaning meaning_of(const Response& response);

// "NXDOMAIN", "SERVFAIL", "response code 23"
std::string rcode_text(int rcode);

struct Answer {
    Meaning meaning = Meaning::unavailable;
    Security security = Security::insecure;
    std::vector<std::string> records = {};  // the RDATA of each, in the order that they came
    std::string why = {};                   // unless found: for people, one line
};

}  // namespace holdfast::dns
