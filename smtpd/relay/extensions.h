// What a server offers in its answer to EHLO or LHLO (RFC 5321 section 4.1.1.1). Whatever is not
// understood is not offered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "smtpd/relay/server_reply.h"

namespace holdfast::relay {

// None of it, as after HELO.
struct Extensions {
    bool pipelining = false;        // RFC 2920
    bool eight_bit = false;         // 8BITMIME, RFC 6152
    bool chunking = false;          // RFC 3030
    bool utf8 = false;              // SMTPUTF8, RFC 6531
    bool dsn = false;               // RFC 3461
    bool starttls = false;          // RFC 3207
    bool enhanced_codes = false;    // RFC 2034
    bool require_tls = false;       // RFC 8689
    std::uint64_t size_limit = 0;   // RFC 1870; 0: none is named
    bool size = false;              // whether MAIL may tell the size
    std::vector<std::string> auth;  // RFC 4954: names of mechanisms, in upper case, each once
};

inline constexpr std::size_t max_mechanisms = 20;
inline constexpr std::size_t max_mechanism_name = 20;  // RFC 4422 section 3.1

Extensions read_extensions(const ServerReply& reply);

}  // namespace holdfast::relay
