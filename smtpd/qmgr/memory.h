// Gives what a burst of mail has left unused in the heap back to the system. Specific to the C
// library: memory_linux.cpp.
#pragma once

namespace holdfast::qmgr {

void give_memory_back();

}  // namespace holdfast::qmgr
