// Quoting for a mailbox file, in pieces chosen by the input: it can be read back exactly, makes no
// line that begins a message, and the pieces make no difference.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "smtpd/mda/mbox_format.h"

namespace {

void require(bool condition) {
    if (!condition) std::abort();
}

std::string unquoted(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        require(end != std::string_view::npos);
        std::string_view line = text.substr(0, end + 1);
        text.remove_prefix(end + 1);
        require(!line.starts_with("From "));
        const std::size_t at = line.find_first_not_of('>');
        if (at != std::string_view::npos && line.substr(at).starts_with("From ")) {
            line.remove_prefix(1);
        }
        out += line;
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace holdfast::mda;
    if (size == 0) return 0;
    const std::size_t piece = 1 + data[0] % 16;
    const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);

    MboxQuoter quoter;
    std::string pieces;
    for (std::size_t at = 0; at < text.size(); at += piece) {
        pieces += quoter.quote(std::string_view(text).substr(at, piece));
    }
    pieces += quoter.finish();

    MboxQuoter at_once;
    std::string whole = at_once.quote(text);
    whole += at_once.finish();
    require(pieces == whole);

    const bool line_end = text.empty() || text.ends_with('\n');
    require(unquoted(whole) == text + (line_end ? "\n" : "\n\n"));
    return 0;
}
