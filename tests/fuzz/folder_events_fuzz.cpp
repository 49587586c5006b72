// The kernel's events of drop/, whose names any local user chooses.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "smtpd/base/panic.h"
#include "smtpd/qmgr/folder_watch.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto news = holdfast::qmgr::parse_events(bytes);
    std::size_t total = 0;
    for (const auto& name : news.names) total += name.size();
    if (total > size) holdfast::panic("names longer than the events");
    return 0;
}
