// From input bytes to a completed header: normal text, whose fields are those that came, without
// the private ones.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "smtpd/mail/completion.h"
#include "smtpd/mail/header.h"
#include "smtpd/mail/message_text.h"

namespace {

using namespace holdfast;

std::string as_text(std::string_view input, std::size_t piece) {
    MessageText form(LoneDot::ends_input);
    std::string text;
    for (; !input.empty(); input.remove_prefix(std::min(piece, input.size()))) {
        text += form.feed(input.substr(0, piece));
    }
    return text += form.finish();
}

Completion facts(std::string_view input) {
    Completion facts;
    facts.user = input.substr(0, input.size() / 3);
    facts.given_name = input.substr(input.size() / 2);
    facts.sender = input.substr(input.size() / 4);
    facts.origin = "example.org";
    facts.hostname = "example.org";
    return facts;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::string text = as_text(input, size + 1);
    if (text != as_text(input, 3)) abort();
    if (text.find('\r') != std::string::npos || text.find('\0') != std::string::npos) abort();
    if (!text.empty() && text.back() != '\n') abort();
    const SplitMessage split = split_message(text);
    (void)header_recipients(split.fields);
    std::size_t kept = 0;
    for (const HeaderField& field : split.fields) {
        if (!is_private_field(field)) ++kept;
    }
    const std::string completed = complete_header(text, facts(input)).bytes;
    const SplitMessage again = split_message(completed);
    if (again.body != split.body) abort();
    // A replaced field is counted once either way; Received and at most six others are added.
    if (again.fields.size() > kept + 7 || again.fields.empty()) abort();
    for (const HeaderField& field : again.fields) {
        if (is_private_field(field)) abort();
    }
    return 0;
}
