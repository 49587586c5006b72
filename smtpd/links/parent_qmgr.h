// parent <-> qmgr. What qmgr may ask of root is all here: an agent for a user *name*.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "smtpd/base/message_id.h"
#include "smtpd/links/parent_room.h"

namespace holdfast::links {

// A fresh alias table (mtactl aliases, newaliases): snapshots.h, AliasSnapshot.
struct NewAliases {
    UniqueFd snapshot;
};

// Asks for a mail delivery agent. The agent resolves the name itself and refuses uid 0; a name
// that is no user comes back as an agent that refuses everything with 5.1.1.
struct SpawnMda {
    std::uint64_t request = 0;
    std::string user;  // may_get_mail() (users_client.h), which the parent checks again
};

// The agent stands; it speaks links/qmgr_mda.h on `channel`. It ends when the channel closes.
struct MdaSpawned {
    std::uint64_t request = 0;
    UniqueFd channel;
};

// No agent now: too many, too fast, or fork failed. qmgr tries again later.
struct MdaRefused {
    std::uint64_t request = 0;
    std::string why;
};

// qmgr has given up the agent of that request, or no longer wants one: it has closed the channel,
// and the parent kills an agent that does not end by itself (its user may have stopped it).
struct AbandonMda {
    std::uint64_t request = 0;
};

// --- one schedule, several generations ---
//
// Of all living qmgrs one schedules: the one that was told Schedule last. It holds SPOOL/lock,
// which is taken and let go here and nowhere else. The others commit what their own rooms receive
// and finish what their own agents have begun.

// Most ids in one message: it must fit into a packet with others.
inline constexpr std::size_t max_ids_in_message = 2000;

// Calls `use(part, more)` for parts that fit; once for none at all.
template <class Use>
void in_parts(std::span<const MessageId> ids, Use use) {
    do {
        const auto part = ids.first(std::min(ids.size(), max_ids_in_message));
        ids = ids.subspan(part.size());
        use(std::vector<MessageId>(part.begin(), part.end()), !ids.empty());
    } while (!ids.empty());
}

// parent -> old qmgr: begin nothing more, let go of SPOOL/lock, say what is in hand. Answered by
// Released; commits go on. Nothing to do for one that never scheduled: it says so in the same way.
struct Release {};

// The lock is free. These messages are in hand here: each is Settled later. `more`: another
// Released follows.
struct Released {
    std::vector<MessageId> in_hand;
    bool more = false;
};

// parent -> new qmgr: take SPOOL/lock and schedule everything but these, which an older generation
// has in hand. `more`: another Schedule follows. Never after Release: the schedule does not come
// back, and a qmgr that is told so ends.
struct Schedule {
    std::vector<MessageId> in_hand;
    bool more = false;
};

// old qmgr -> parent -> new qmgr: no longer in hand there. What is left of the message is in its
// file, to be read again; it may have been handed to an agent that died with it.
struct Settled {
    std::vector<MessageId> ids;
};

using ParentToQmgr = std::variant<Start, Peer, Go, Drain, NewAliases, MdaSpawned, MdaRefused,
                                  NewLog, Release, Schedule, Settled>;
using QmgrToParent =
    std::variant<Ready, Malformed, SpawnMda, AbandonMda, LogLost, Serving, Released, Settled>;

}  // namespace holdfast::links
