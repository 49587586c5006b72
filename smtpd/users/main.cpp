// users: the process of this room. See room.h.
#include "smtpd/users/nss_modules.h"
#include "smtpd/users/room.h"

int main() {
    using namespace holdfast;
    users::load_modules();
    auto entry = enter<links::UsersSnapshot>(links::Room::users, users::confinement());
    const UniqueFd life = std::move(entry.start.life);
    Loop loop;
    users::Room room(loop, std::move(entry));
    return loop.run();
}
