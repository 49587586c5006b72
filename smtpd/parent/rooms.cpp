#include "smtpd/parent/rooms.h"

#include "smtpd/links/snapshot_file.h"
#include "smtpd/parent/generation.h"

namespace holdfast {

namespace {

template <auto part>
Result<UniqueFd> seal(const links::Plan& plan) {
    return links::seal_struct("snapshot", plan.*part);
}

// The same for every configuration.
template <class Snapshot>
Result<UniqueFd> seal_empty(const links::Plan&) {
    return links::seal_struct("snapshot", Snapshot{});
}

template <class Out, class In>
void open_link(RoomChannel& channel, Loop& loop, UniqueFd socket, Resident& handler) {
    channel.emplace<Channel<Out, In>>(loop, std::move(socket), handler, links::Tail::skip);
}

}  // namespace

std::span<const RoomRow> room_table() {
    using namespace links;
    static constexpr std::array table{
        RoomRow{Room::users, RootFolder::none, false, 3, seal<&Plan::users>,
                open_link<ParentToUsers, UsersToParent>},
        RoomRow{Room::relay, RootFolder::empty, false, 3, seal<&Plan::relay>,
                open_link<ParentToRelay, RelayToParent>},
        RoomRow{Room::qmgr, RootFolder::spool, false, 2, seal<&Plan::qmgr>,
                open_link<ParentToQmgr, QmgrToParent>},
        RoomRow{Room::signer, RootFolder::empty, false, 2, seal_empty<SignerSnapshot>,
                open_link<ParentToSigner, SignerToParent>},
        RoomRow{Room::control, RootFolder::empty, true, 1, seal<&Plan::control>,
                open_link<ParentToControl, ControlToParent>},
        RoomRow{Room::smtpin, RootFolder::empty, true, 1, seal<&Plan::smtpin>,
                open_link<ParentToSmtpin, SmtpinToParent>},
    };
    return table;
}

}  // namespace holdfast
