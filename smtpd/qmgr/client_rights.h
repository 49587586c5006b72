// Who is at the other end of a client's socket: asked of the kernel, whatever control says.
#pragma once

#include <cstdint>

namespace holdfast::qmgr {

enum class Rights : std::uint8_t { anyone, administrator };

// How this instance runs: one that an ordinary user has started is that user's own.
enum class Instance : std::uint8_t { system, private_one };

// The administrator is root; of a private instance also the user who runs it. A socket that the
// kernel knows nothing about belongs to anyone.
Rights rights_of(int client, Instance instance);

}  // namespace holdfast::qmgr
