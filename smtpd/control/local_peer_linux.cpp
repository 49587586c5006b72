#include <sys/socket.h>

#include "smtpd/control/local_peer.h"

namespace holdfast::control {

Result<LocalPeer> local_peer(int socket) {
    ucred credentials{};
    socklen_t length = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
        return errno_error("ask who has connected");
    }
    if (credentials.uid == static_cast<uid_t>(-1)) {
        return plain_error("the kernel does not say who has connected");
    }
    return LocalPeer{credentials.uid, credentials.pid};
}

}  // namespace holdfast::control
