// The text of a lock file that someone else may have written: it is read or not, and what is read
// means the same when it is written again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "smtpd/mda/dot_lock.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace holdfast::mda;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto append = parse_lock(text, "boot-1");
    if (!append) return 0;
    if (append->end < append->begin) std::abort();
    if (parse_lock(lock_text(1, "boot-1", append), "boot-1") != append) std::abort();
    return 0;
}
