// parent <-> qmgr. What qmgr may ask of root is all here: an agent for a user *name*.
#pragma once

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

using ParentToQmgr =
    std::variant<Start, Peer, Go, Drain, NewAliases, MdaSpawned, MdaRefused, NewLog>;
using QmgrToParent = std::variant<Ready, Malformed, SpawnMda, AbandonMda, LogLost>;

}  // namespace holdfast::links
