// control <-> qmgr: completed submissions in; the files of drop/ out to be completed; the queue's
// own requests, each with the client's socket where it needs privilege.
#pragma once

#include <variant>

#include "smtpd/base/unique_fd.h"
#include "smtpd/links/transfer.h"

namespace holdfast::links {

// A file of drop/, open for reading at its start: it holds the packets that sendmail would have
// sent (links/control_client.h). control answers with Begin (which names `drop`) and what follows,
// or DropBad. Its owner may still change the file: each byte is read once, and none behind
// `length`.
struct DropBegin {
    std::uint64_t drop = 0;
    std::uint32_t uid = 0;  // owner of the file
    std::uint64_t length = 0;
    UniqueFd file;
};
// The file can never become a message: qmgr puts it into quarantine/ and says why.
struct DropBad {
    std::uint64_t drop = 0;
    std::string why;
};

enum class QueueState : std::uint8_t { queued, active, deferred };
template <>
inline constexpr unsigned enum_limit<QueueState> = 3;

struct QueueRecipient {
    std::string address;
    std::string last;  // text of the last attempt; empty before the first; "refused: ..." for good
};

struct QueueItem {
    MessageId id;
    QueueState state = QueueState::queued;
    std::uint64_t size = 0;
    std::int64_t admitted = 0;  // wall clock, milliseconds since 1970
    std::int64_t next = 0;      // next attempt, likewise; 0 where one is under way
    std::uint32_t attempts = 0;
    std::string sender;
    std::vector<QueueRecipient> recipients;  // those that don't have it
};

struct QueueCounts {
    std::uint64_t queued = 0;
    std::uint64_t active = 0;
    std::uint64_t deferred = 0;
    std::uint64_t quarantined = 0;
    bool accepting = true;  // false after a failed fsync or on a full disk
    std::string trouble;    // why not
    bool known = true;      // false: qmgr gave no numbers
};

// Anyone: counts for `mtactl status`.
struct CountsQuery {
    std::uint64_t request = 0;
};
struct CountsReply {
    std::uint64_t request = 0;
    QueueCounts counts;
};

// Anyone: a page of the queue in the order of ids, from the first one behind `after`. One answer.
struct ListQuery {
    std::uint64_t request = 0;
    MessageId after;  // all zero: from the start
};
struct ListItems {
    std::uint64_t request = 0;
    std::vector<QueueItem> items;  // as many as fit into a frame of max_chunk bytes
    bool last = false;             // nothing comes behind these
};

// Root only: the file as it stands, from `offset`. One Text (empty at the end), or Finished.
struct ShowQuery {
    std::uint64_t request = 0;
    MessageId id;
    std::uint64_t offset = 0;
    UniqueFd client;
};
struct Text {
    std::uint64_t request = 0;
    std::string bytes;  // at most max_chunk
};

// Root only: forget the message, no bounce.
struct RemoveQuery {
    std::uint64_t request = 0;
    std::vector<MessageId> ids;
    UniqueFd client;
};

// Anyone, once a minute in all; root always: try every deferred message now (all, or these).
struct FlushQuery {
    std::uint64_t request = 0;
    std::vector<MessageId> ids;
    UniqueFd client{};
};

// How Show (where it fails), Remove or Flush ended: a sysexits status and one line.
struct Finished {
    std::uint64_t request = 0;
    std::uint8_t status = 0;
    std::string text;
};

using ControlToQmgr = std::variant<Begin, Recipients, Chunk, End, Abort, DropBad, CountsQuery,
                                   ListQuery, ShowQuery, RemoveQuery, FlushQuery>;
using QmgrToControl =
    std::variant<Credit, Committed, Rejected, DropBegin, CountsReply, ListItems, Text, Finished>;

}  // namespace holdfast::links
