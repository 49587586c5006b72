// The notice that a message could not be delivered: RFC 3464, a plain multipart/report. Pure.
//
// What came from outside (replies, addresses, the envelope id) is printable ASCII when it gets in
// here, so that nothing in it can add a line or a field (F24).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "queue/store.h"
#include "smtpd/base/clock.h"

namespace holdfast::qmgr {

// For whom a notice is.
enum class Reader : std::uint8_t {
    sender,      // of the message that failed
    postmaster,  // a notice itself could not be delivered
};

struct FailedRecipient {
    Recipient recipient;
    Outcome outcome;
    std::int64_t time = 0;  // of the attempt, milliseconds since 1970
};

// Those that were refused, and whose sender wants to hear of it. Where the recipient was an alias
// the outcome tells its status only: what stands behind an alias is nobody's business.
std::vector<FailedRecipient> failed_recipients(const queue::Message& message);

// The announcement of a notice that a crash may have cut short; nothing where none was made.
std::optional<MessageId> announced_notice(const queue::Message& message);

// Whether a notice is due, and to whom it goes: never for a message without a sender, but where
// that was our own notice to somebody else, the postmaster hears of it, once.
struct NoticePlan {
    Reader reader = Reader::sender;
    std::string to;
};
std::optional<NoticePlan> plan_notice(const Envelope& failed, std::string_view origin);

struct NoticeFacts {
    MessageId id;  // of the notice
    std::string hostname;
    std::string origin;
    WallTime now;
    NoticePlan plan;
    Envelope failed;  // of the message that failed
    std::vector<FailedRecipient> recipients;
};

// How much of the failed message the notice returns: all of it up to full_limit (unless its sender
// asked for less), else its header up to header_limit.
inline constexpr std::size_t full_limit = 32 * 1024;
inline constexpr std::size_t header_limit = 16 * 1024;
// So many bytes of its beginning tell which.
inline constexpr std::size_t return_limit = full_limit + 1;

// `start`: the first return_limit bytes of the failed message, or all of it. LF line ends.
std::string render_notice(const NoticeFacts& facts, std::string_view start);

// Sender <>, one recipient.
Envelope notice_envelope(const NoticeFacts& facts);

}  // namespace holdfast::qmgr
