// An SMTP reply as it goes out (RFC 5321 section 4.2, RFC 2034 for the enhanced status).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace holdfast {

struct Reply {
    std::uint16_t code = 0;
    std::string enhanced;  // "2.1.0"; empty for a greeting, for HELO and EHLO, and for 354
    std::string text;

    bool positive() const { return code < 400; }
    bool permanent() const { return code >= 500; }
};

// One line with its end, at most 512 bytes. Bytes that are not printable ASCII become "?", so that
// no text from elsewhere can end the line.
std::string to_wire(const Reply& reply);

// "250-first" ... "250 last", without enhanced status. At least one line.
std::string to_wire(std::uint16_t code, std::span<const std::string> lines);

// What another room wants a client to be told, made safe to say: a code from 400 to 599, an
// enhanced status of the same class, and text. What does not fit that becomes a temporary failure.
Reply refusal(std::uint16_t code, std::string_view enhanced, std::string_view text);

}  // namespace holdfast
