#include <sys/socket.h>
#include <unistd.h>

#include "smtpd/qmgr/client_rights.h"

namespace holdfast::qmgr {

Rights rights_of(int client, Instance instance) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer ||
        peer.pid == 0) {
        return Rights::anyone;
    }
    const bool own = instance == Instance::private_one && peer.uid == geteuid();
    return peer.uid == 0 || own ? Rights::administrator : Rights::anyone;
}

}  // namespace holdfast::qmgr
