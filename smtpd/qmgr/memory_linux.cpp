#include <malloc.h>

#include "smtpd/qmgr/memory.h"

namespace holdfast::qmgr {

// Of all arenas: the disk's threads have one each.
void give_memory_back() {
    malloc_trim(0);
}

}  // namespace holdfast::qmgr
