// control: speaks with local clients, sendmail and mtactl. Never touches the spool, never takes
// anybody's word for who he is: root's requests carry root's own socket. See room.h.
#include "smtpd/control/room.h"

int main() {
    using namespace holdfast;
    auto entry = enter<links::ControlSnapshot>(links::Room::control, control::confinement());
    Loop loop;
    control::Room room(loop, std::move(entry));
    return loop.run();
}
