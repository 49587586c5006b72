// Who sent a message, to whom, and how it came: everything about it but its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "smtpd/base/message_id.h"

namespace holdfast {

enum class Source : std::uint8_t {
    smtp,   // a session of smtpin
    local,  // sendmail, over the control socket or through drop/
    queue,  // made here: a bounce, a notice
};

// RFC 3461 section 4.1: when the sender wants to hear of a recipient. Bits.
inline constexpr std::uint8_t notify_never = 1;
inline constexpr std::uint8_t notify_success = 2;
inline constexpr std::uint8_t notify_failure = 4;
inline constexpr std::uint8_t notify_delay = 8;
inline constexpr std::uint8_t notify_default = notify_failure | notify_delay;

// RFC 3461 section 4.3: how much of the message a notice returns.
enum class Return : std::uint8_t { unspecified, full, headers };

struct Recipient {
    std::string address;   // local-part@domain, as it was given
    std::string original;  // ORCPT, "rfc822;..."; empty where none was given
    std::uint8_t notify = notify_default;
    bool operator==(const Recipient&) const = default;
};

// Of one message. A sendmail whose arguments fill the kernel's limit names about as many.
inline constexpr std::size_t max_recipients = 60'000;

struct Envelope {
    MessageId id;
    std::int64_t admitted = 0;  // wall clock, milliseconds since 1970: ages count from here
    Source source = Source::smtp;
    std::uint32_t uid = 0;   // of the submitter (Source::local), else 0
    std::string client;      // "[192.0.2.1]:4711" (Source::smtp), else empty
    std::string helo;        // what the client called itself, else empty
    std::string sender;      // reverse-path without brackets; empty is the null sender
    bool eight_bit = false;  // holds bytes above 0x7f, or was declared 8BITMIME
    Return ret = Return::unspecified;
    std::string envid;  // DSN envelope id, decoded; empty where none was given
    std::vector<Recipient> recipients;
    bool operator==(const Envelope&) const = default;
};

}  // namespace holdfast
