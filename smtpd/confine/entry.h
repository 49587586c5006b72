// How every room begins: it finds its parent on fd 3, learns who it is to be, opens the log, takes
// its snapshot and confines itself. Nothing from outside has been read before that.
#pragma once

#include <cstdlib>

#include "smtpd/base/log.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/confine/confine.h"
#include "smtpd/links/parent_room.h"
#include "smtpd/links/snapshot_file.h"

namespace holdfast {

template <class Snapshot>
struct Entry {
    UniqueFd parent;  // for Channel<RoomToParent, ParentToRoom>, Tail::skip; send Ready there
    links::Start start;
    Snapshot snapshot;
};

// The steps of enter(). Each logs and ends the process with EX_OSERR or EX_SOFTWARE on failure.
links::Start receive_start(links::Room room, int parent);
void confine_or_exit(const links::Start& start, const Confinement& confinement);
[[noreturn]] void exit_with(const Error& error);

template <class Snapshot>
Entry<Snapshot> enter(links::Room room, const Confinement& confinement) {
    UniqueFd parent(links::parent_fd);
    links::Start start = receive_start(room, parent.get());
    auto snapshot = links::read_struct<Snapshot>(start.snapshot.get());
    if (!snapshot) exit_with(snapshot.error());
    confine_or_exit(start, confinement);
    return {std::move(parent), std::move(start), std::move(*snapshot)};
}

}  // namespace holdfast
