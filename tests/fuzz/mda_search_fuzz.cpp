// A mailbox file of any content: the searches for earlier deliveries read it to the end, stay
// inside it, and take nothing for whole that does not hold the message.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

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

    links::Deliver order;
    order.return_path = "b@example.org";
    order.delivered_to = "a@example.net";
    Content content(from_line(order) + trace_lines(order, "h"));
    if (!content.append("\nx\n\n")) return 0;

    const auto found = find_deliveries(file.get(), size, {delivery_tag(order)});
    if (!found) std::abort();
    for (const auto& [tag, start] : *found) {
        if (start >= size) std::abort();
        const auto copy = judge_copy(file.get(), size, start, content);
        if (!copy) std::abort();
        const std::string_view text(reinterpret_cast<const char*>(data) + start, size - start);
        const bool has_body = text.find("\n\nx\n") != std::string_view::npos;
        if (*copy == Copy::whole && !has_body) std::abort();
    }
    const auto torn = find_torn_head(file.get(), size, content);
    if (!torn || (*torn && **torn >= size)) std::abort();
    return 0;
}
