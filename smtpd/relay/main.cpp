// relay: sends mail to other servers. Opens no file and holds nothing of the queue. See room.h.
#include "smtpd/relay/room.h"

int main() {
    using namespace holdfast;
    auto entry = enter<links::RelaySnapshot>(links::Room::relay, relay::confinement());
    auto library = tls::CryptoLibrary::make();
    if (!library) exit_with(library.error());
    Loop loop;
    relay::Room room(loop, std::move(entry), std::move(*library));
    return loop.run();
}
