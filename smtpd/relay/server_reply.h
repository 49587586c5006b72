// A server's replies off its bytes (RFC 5321 section 4.2, RFC 2034 for the enhanced status). The
// server is a stranger: nothing that it sends costs more than a bounded amount of memory, and what
// of it gets into a log, a queue file or a bounce is made harmless first (F24).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/base/error.h"

namespace holdfast::relay {

struct ServerReply {
    std::uint16_t code = 0;          // 200 to 599
    std::vector<std::string> lines;  // what stands behind the codes, as it came; at least one

    bool positive() const { return code < 300; }
    bool transient() const { return code >= 400 && code < 500; }
    bool permanent() const { return code >= 500; }
};

// Longest line, its end included. RFC 5321 section 4.5.3.1.5 says 512; servers say more.
inline constexpr std::size_t max_reply_line = 4096;
inline constexpr std::size_t max_reply_lines = 200;
// Text of one reply: of what comes behind that nothing is kept.
inline constexpr std::size_t max_reply_bytes = 16 * 1024;
// What full_text() makes of it, so that qmgr keeps it whole.
inline constexpr std::size_t max_full_text = 900;

// "5.1.1" where the reply begins with a status of the class of its code; else empty.
std::string_view enhanced_status(const ServerReply& reply);

// "550 5.1.1 no such user / see https://example.com": all lines as one that is fit to be printed.
// A status that each line repeats is said once; what is too long ends in "...".
std::string full_text(const ServerReply& reply);

class ReplyReader {
  public:
    struct Taken {
        std::size_t used = 0;              // bytes of the input that are done with
        std::optional<ServerReply> reply;  // whole; else all input has been used
    };

    // Takes no more than one reply. The error says what the server said in place of one: from
    // there on nothing that it says means anything.
    Result<Taken> take(std::string_view input);

    // Whether a reply has begun and not ended.
    bool within_reply() const { return !part_.empty() || reply_.code != 0; }

  private:
    Status take_line(std::string_view line);

    std::string part_;  // of a line
    ServerReply reply_;
    std::size_t kept_ = 0;  // bytes in its lines
    bool whole_ = false;
};

}  // namespace holdfast::relay
