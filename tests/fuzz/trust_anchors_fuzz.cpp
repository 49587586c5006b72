// A file of trust anchors of any content: bounded, and each anchor is one line without a comment.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "smtpd/dns/trust_anchors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace holdfast;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto anchors = dns::parse_trust_anchors(text);
    if (anchors.size() > dns::max_trust_anchors) std::abort();
    for (const std::string& anchor : anchors) {
        if (anchor.find_first_of(std::string_view("\n;\0", 3)) != std::string::npos) std::abort();
        if (dns::parse_trust_anchors(anchor) != std::vector{anchor}) std::abort();
    }
    return 0;
}
