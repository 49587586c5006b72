// Descriptors that a peer sends along with a packet unasked. Whoever drops the last reference to a
// socket that lingers (SO_LINGER) waits in its stead, for hours if the sender likes: so they are
// kept away, or dropped in a hurry. Specific to Linux.
#pragma once

namespace holdfast {

// Asks the kernel (Linux 6.16) to keep descriptors away from this unix socket: who sends some gets
// EPERM. Set on a listener it holds for its connections from their birth. An older kernel knows
// nothing of it, and nothing changes.
void refuse_descriptors(int socket);

// Whether the kernel does so.
bool refuses_descriptors(int socket);

// Whether descriptors are attached to the packet that waits on `socket`; none is received. False,
// too, where no packet waits.
bool descriptors_wait(int socket);

// While it lives, no wait in close() outlasts a few milliseconds: a signal that does nothing keeps
// coming. For single-threaded processes that do not use SIGALRM otherwise.
class HastyClose {
  public:
    HastyClose();
    ~HastyClose();
    HastyClose(const HastyClose&) = delete;
    HastyClose& operator=(const HastyClose&) = delete;
};

}  // namespace holdfast
