// qmgr: owns the queue. Sees nothing of the file system but the spool, and opens no socket.
#include "smtpd/qmgr/confinement.h"

int main() {
    using namespace holdfast;
    auto entry = enter<links::QmgrSnapshot>(links::Room::qmgr, qmgr::confinement());
    const UniqueFd life = std::move(entry.start.life);
    Loop loop;
    qmgr::Room room(loop, qmgr::open_or_exit(loop, std::move(entry)));
    return loop.run();
}
