// A server's replies: the same however the bytes were cut, bounded, and fit to be printed.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/relay/extensions.h"
#include "smtpd/relay/server_reply.h"

namespace {

using namespace holdfast::relay;

void require(bool holds) {
    if (!holds) std::abort();
}

void check_reply(const ServerReply& reply) {
    require(reply.code >= 200 && reply.code < 600);
    require(!reply.lines.empty() && reply.lines.size() <= max_reply_lines);
    std::size_t kept = 0;
    for (const std::string& line : reply.lines) kept += line.size();
    require(kept <= max_reply_bytes);
    const std::string text = full_text(reply);
    require(text.size() <= max_full_text);
    require(std::ranges::none_of(text, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; }));
    require(enhanced_status(reply).size() <= 9);
    require(read_extensions(reply).auth.size() <= max_mechanisms);
}

// What has been read, and the error that ended it; each reply as its text.
std::vector<std::string> replies_in(std::string_view input, std::size_t piece) {
    ReplyReader reader;
    std::vector<std::string> texts;
    for (; !input.empty(); input.remove_prefix(std::min(piece, input.size()))) {
        std::string_view rest = input.substr(0, piece);
        while (!rest.empty()) {
            const auto taken = reader.take(rest);
            if (!taken) {
                texts.push_back("error");
                return texts;
            }
            require(taken->used <= rest.size());
            require(taken->reply || taken->used == rest.size());
            rest.remove_prefix(taken->used);
            if (!taken->reply) continue;
            require(!reader.within_reply());
            check_reply(*taken->reply);
            texts.push_back(full_text(*taken->reply));
        }
    }
    return texts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    require(replies_in(input, size + 1) == replies_in(input, 1));
    require(replies_in(input, 3) == replies_in(input, 7));
    return 0;
}
