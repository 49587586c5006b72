// The notice that a message could not be delivered, or takes long: RFC 3464, a plain
// multipart/report. Pure.
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
    postmaster,  // a bounce itself could not be delivered
    root,        // nor could that one: into the mailbox of root, whatever the aliases say
};

struct NoticeRecipient {
    std::uint32_t number = 0;  // its place in the envelope
    Recipient recipient;
    Outcome outcome;
    std::int64_t time = 0;  // of the attempt, milliseconds since 1970
};

// Those that were refused, and whose sender wants to hear of it and has not. Where the recipient
// was an alias the outcome tells its status only: what stands behind an alias is nobody's business.
std::vector<NoticeRecipient> failed_recipients(const queue::Message& message);

// Likewise those that were tried and still wait; none where the sender was told so before.
std::vector<NoticeRecipient> delayed_recipients(const queue::Message& message);

// To whom a bounce goes: to nobody for a message without a sender; but where that is our own
// bounce, first the postmaster hears of it, then root.
struct NoticePlan {
    queue::Notice kind = queue::Notice::failure;
    Reader reader = Reader::sender;
    std::string to;
};
std::optional<NoticePlan> plan_bounce(const queue::Message& failed, std::string_view origin);
// Of a delay only a sender is told.
std::optional<NoticePlan> plan_delay(const queue::Message& late);

struct NoticeFacts {
    MessageId id;  // of the notice
    std::string hostname;
    std::string origin;
    WallTime now;
    NoticePlan plan;
    Envelope failed;  // of the message that failed
    std::vector<NoticeRecipient> recipients;
};

// How much of the failed message the notice returns: all of it up to full_limit (unless its sender
// asked for less, or it is only late), else its header up to header_limit.
inline constexpr std::size_t full_limit = 32 * 1024;
inline constexpr std::size_t header_limit = 16 * 1024;
// So many bytes of its beginning tell which.
inline constexpr std::size_t return_limit = full_limit + 1;

// `start`: the first return_limit bytes of the failed message, or all of it. LF line ends.
std::string render_notice(const NoticeFacts& facts, std::string_view start);

// Sender <>, one recipient.
Envelope notice_envelope(const NoticeFacts& facts);
// What is known of that recipient from the start: for root, that no alias is followed.
std::vector<queue::LogEntry> notice_verdicts(const NoticeFacts& facts);

}  // namespace holdfast::qmgr
