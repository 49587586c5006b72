#include "smtpd/signer/room.h"

int main() {
    using namespace holdfast;
    auto entry = enter<links::SignerSnapshot>(links::Room::signer, signer::confinement());
    const UniqueFd life = std::move(entry.start.life);
    Loop loop;
    signer::Room room(loop, std::move(entry));
    return loop.run();
}
