// parent <-> every room: how a room comes to life and learns of its peers. These links cross
// versions (a new parent talks to rooms of the old generation): members are only appended.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "smtpd/base/clock.h"
#include "smtpd/base/log.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/links/rooms.h"
#include "smtpd/links/tls_mode.h"

namespace holdfast::links {

// A room finds its channel to the parent here when it starts.
inline constexpr int parent_fd = 3;

template <>
inline constexpr unsigned enum_limit<log::Form> = 3;

// The first message. The room confines itself accordingly, then says Ready.
struct Start {
    std::uint32_t generation = 0;
    bool privileged = false;  // started by root: change to uid and gid, chroot
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::string root;  // chroot here (where privileged); empty: stay
    log::Form log_form = log::Form::stream;
    UniqueFd log;
    UniqueFd snapshot;  // sealed memfd: the room's struct of links/snapshots.h
    // To be kept open until the process ends: a parent to come sees by it that this one lives. For
    // a room that has lost its parent the end of the file is the order to end (loop/last_call.h).
    UniqueFd life;
};

// A channel to another room, which replaces an earlier one: that room has died or was replaced.
struct Peer {
    Room room = Room::parent;
    UniqueFd channel;
};

// A listening socket, shared with every generation: never shut down, only closed.
struct Listener {
    std::string address;  // as in the log: "127.0.0.1:25", "[::1]:25", a path
    UniqueFd socket;
    TlsMode tls = TlsMode::none;
};

// Peers and listeners are complete: begin to serve. (A later Peer or Listener is used at once.)
struct Go {};

// How long a room accepts on listeners that leave.
inline constexpr Duration leaving_lease = std::chrono::seconds(5);

// Finish what is in hand and exit with status 0: no new sessions, transactions or attempts.
struct Drain {
    // Listeners that this room is the last to have: it accepts on these for leaving_lease, for
    // connections that were being made when a later generation took over. For smtpin.
    std::vector<std::string> leaving;
    // So long sessions may go on as if nothing had happened, with as many transactions as they
    // like; then they end between two of them. 0: the house is stopping. For smtpin.
    std::uint32_t patience_seconds = 0;
};

// Confined, configured, waiting for Go.
struct Ready {};

// After Go: whoever comes is served here.
struct Serving {};

// After Drain: whoever comes from now on is served by another generation. Of the rooms that accept
// connections; not waited for from a version that does not say it.
struct NotAccepting {};

// A peer broke the protocol. The receiver has closed the channel; the parent replaces the sender.
struct Malformed {
    Room sender = Room::parent;
};

// Nobody listens at the far end of the log any more (syslogd was started anew, or never was there).
struct LogLost {};

// Another way to it, of the form that Start named: after LogLost of any room, when somebody
// listens.
struct NewLog {
    UniqueFd log;
};

}  // namespace holdfast::links
