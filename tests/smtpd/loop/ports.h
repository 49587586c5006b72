// Ports on loopback for tests that need the same one at several addresses.
#pragma once

#include <cstdint>

namespace holdfast {

// A port that is free for TCP and UDP at 127.0.0.1, 127.0.0.2 and ::1, a moment ago at least.
std::uint16_t free_port();

// The port that a socket is bound to.
std::uint16_t port_of(int socket);

}  // namespace holdfast
