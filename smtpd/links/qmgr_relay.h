// qmgr <-> relay: what is to be sent to other servers, and what they said.
//
//     Send  ->  (Pull -> Bytes+)*  FinalDot?  ->  Sent
//
// Jobs go on side by side. relay takes a job's body when a server is ready for it, from the
// beginning again where it has to try another server.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "queue/envelope.h"
#include "queue/verdict.h"
#include "smtpd/links/qmgr_mda.h"
#include "smtpd/links/transfer.h"

namespace holdfast::links {

// One message for recipients that go the same way. qmgr has seen to it that there are at most
// max_jobs of them.
struct Send {
    std::uint64_t job = 0;
    MessageId id;
    std::vector<std::uint32_t> relays;  // places in RelaySnapshot::relays, the best first
    std::string sender;                 // as in the envelope; relay rewrites it
    std::vector<Recipient> recipients;
    bool eight_bit = false;    // holds bytes above 0x7f, or was declared 8BITMIME
    bool utf8 = false;         // SMTPUTF8 (RFC 6531)
    bool require_tls = false;  // REQUIRETLS (RFC 8689)
    Return ret = Return::unspecified;
    std::string envid;
    std::uint64_t length = 0;  // of the body
};

inline constexpr std::size_t max_relay_jobs = 400;
// Of one job, asked for and not given.
inline constexpr std::uint32_t relay_window = 256 * 1024;

// relay -> qmgr: these bytes of the body. Answered by Bytes that add up to them, in order.
struct Pull {
    std::uint64_t job = 0;
    std::uint64_t offset = 0;
    std::uint32_t length = 0;  // 1 to relay_window
};

struct BodyBytes {
    std::uint64_t job = 0;
    std::uint64_t offset = 0;
    std::string bytes;  // at most max_chunk
};

// qmgr -> relay: the body cannot be read: nothing of the message may count. Sent follows.
struct Withdraw {
    std::uint64_t job = 0;
};

// relay -> qmgr, before the end of the message leaves: from here to Sent the server may have it
// without our knowing (RFC 1047).
struct FinalDot {
    std::uint64_t job = 0;
};

// What a job shows of the way that it went.
enum class Way : std::uint8_t {
    usable,       // a server took the transaction, whatever it said to it
    unreachable,  // none did, or not for long: no address, no connection, 421; their failure
    broken,  // our failure, and that of everything that goes this way: a login that is refused,
             // a certificate that is not trusted, TLS that is not offered, no resolver
};
template <>
inline constexpr unsigned enum_limit<Way> = 3;

struct SentRecipient {
    Outcome outcome;          // its text holds the whole reply, cleaned
    bool dsn_passed = false;  // the server promised to send notices (RFC 3461 section 5.2)
};

struct Sent {
    std::uint64_t job = 0;
    std::vector<SentRecipient> recipients;  // one for each of Send
    Way way = Way::usable;
    std::string why;         // where it is not usable: one line
    bool uncertain = false;  // the connection ended between FinalDot and the reply
};

using QmgrToRelay = std::variant<Send, BodyBytes, Withdraw>;
using RelayToQmgr = std::variant<Pull, FinalDot, Sent>;

}  // namespace holdfast::links
