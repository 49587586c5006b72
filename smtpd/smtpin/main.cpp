// smtpin: accepts mail from the network. Opens no file, holds no key. See room.h.
#include "smtpd/smtpin/room.h"

int main() {
    using namespace holdfast;
    auto entry = enter<links::SmtpinSnapshot>(links::Room::smtpin, smtpin::confinement());
    Loop loop;
    smtpin::Room room(loop, std::move(entry));
    return loop.run();
}
