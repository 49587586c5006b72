// A mailbox file of any content: the search for earlier deliveries reads it to the end, stays
// inside it, and finds nothing that does not begin as a delivery does.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include "smtpd/base/unique_fd.h"
#include "smtpd/mda/mbox_format.h"
#include "smtpd/mda/mbox_search.h"
#include "smtpd/mda/trace.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace holdfast;
    using namespace holdfast::mda;
    static const UniqueFd file(memfd_create("mailbox", MFD_CLOEXEC));
    if (ftruncate(file.get(), 0) != 0) return 0;
    if (pwrite(file.get(), data, size, 0) != static_cast<ssize_t>(size)) return 0;

    std::vector<Parcel> batch;
    for (std::uint32_t i = 0; i < 2; ++i) {
        links::Deliver order;
        order.return_path = "b@example.org";
        order.delivered_to = "a@example.net";
        order.repeated = true;
        Content content(from_line(order) + trace_lines(order) + "Received: by h (Holdfast) id " +
                        order.id.text() + "\n");
        if (!content.append(i == 0 ? "\nx\n\n" : "Subject: y\n\nFred\n\nx\n\n")) return 0;
        batch.push_back({order, std::move(content)});
    }
    const auto found = find_copies(file.get(), size, batch);
    if (!found) std::abort();
    if (found->torn_at && *found->torn_at >= size) std::abort();
    const std::string_view mailbox(reinterpret_cast<const char*>(data), size);
    const bool has_trace = mailbox.find("\nReturn-Path: <b@") != std::string_view::npos;
    if ((found->torn_at || !found->whole.empty()) && !has_trace) std::abort();
    return 0;
}
