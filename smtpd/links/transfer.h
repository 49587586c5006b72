// A message on its way into the queue, the same from smtpin and from control:
//
//     Begin  Recipients+  Chunk*  End   ->   Committed | Rejected
//
// `transaction` is the sender's number, unique on its channel. qmgr may answer Rejected at any
// point and ignores what still comes for that transaction. Abort takes it back; no answer comes.
// At most `window` body bytes are outstanding; Credit gives bytes back as they reach the disk.
#pragma once

#include <string>
#include <vector>

#include "queue/envelope.h"
#include "smtpd/links/codec.h"

namespace holdfast::links {

template <>
inline constexpr unsigned enum_limit<Source> = 3;
template <>
inline constexpr unsigned enum_limit<Return> = 3;

inline constexpr std::uint32_t window = 256 * 1024;

// An SMTP reply that is not 2xx: 450 to 554, an RFC 3463 status and one line of text.
struct Refusal {
    std::uint16_t code = 0;
    std::string enhanced;
    std::string text;
};

struct Begin {
    std::uint64_t transaction = 0;
    Envelope envelope;       // without recipients; `admitted` is set by qmgr
    std::uint64_t drop = 0;  // the DropBegin that this answers (control only), or 0
};

struct Recipients {
    std::uint64_t transaction = 0;
    std::vector<Recipient> recipients;  // as many as fit into a frame of max_chunk bytes
    // Code not 0: the message is accepted, these are refused like this at its first attempt, and
    // its sender gets the bounce. A local submission that loops, or whose header holds pieces that
    // are no address: sendmail's callers expect success and a bounce (control only).
    Refusal refusal{};
};

struct Chunk {
    std::uint64_t transaction = 0;
    std::string bytes;  // at most max_chunk; LF line ends
};

struct End {
    std::uint64_t transaction = 0;
    std::uint64_t length = 0;  // of the whole body: qmgr checks it
};

struct Abort {
    std::uint64_t transaction = 0;
};

struct Credit {
    std::uint64_t transaction = 0;
    std::uint32_t bytes = 0;
};

// On disk, file and directory: the mail is accepted. Also the answer to a repeat of (uid, id).
struct Committed {
    std::uint64_t transaction = 0;
};

struct Rejected {
    std::uint64_t transaction = 0;
    Refusal refusal;
};

}  // namespace holdfast::links
