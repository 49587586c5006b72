// Addresses on their way out: the body stays, a plan that fits nothing changes nothing, what was
// rewritten needs no rewriting, and where the message is cut makes no difference.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "smtpd/mail/address_list.h"
#include "smtpd/mail/header.h"
#include "smtpd/relay/header_rewriter.h"

namespace {

using namespace holdfast;
using namespace holdfast::relay;

void require(bool condition) {
    if (!condition) std::abort();
}

std::string rewritten(const links::RewritePlan& plan, std::string_view text, std::size_t piece) {
    HeaderRewriter rewriter(plan);
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += piece) {
        out += rewriter.feed(text.substr(at, piece));
    }
    return out + rewriter.finish();
}

void check_from(std::string_view text) {
    const SplitMessage split = split_message(text);
    std::size_t authors = 0;
    for (const HeaderField& field : split.fields) {
        require(!field.named("Sender") && !field.named("Resent-Sender"));
        if (field.named("From")) ++authors;
        if (!field.named("From") && !field.named("Resent-From")) continue;
        const AddressList list = parse_address_list(field.value, BareWords::unreadable);
        require(list.addresses.size() == 1 && list.unreadable.empty());
        require(list.addresses[0].text == "me@example.com");
    }
    require(authors <= 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // Longer fields than FieldCollector::max_field pass, and are not looked at here.
    if (size == 0 || size > FieldCollector::max_field) return 0;
    const std::size_t piece = 1 + data[0] % 16;
    const std::string text(reinterpret_cast<const char*>(data + 1), size - 1);
    const links::RewritePlan strange{"", "example.com", {"a domain that nobody has"}};
    require(rewritten(strange, text, piece) == text);
    for (const links::RewritePlan& plan :
         {links::RewritePlan{"me@example.com", "", {}},
          links::RewritePlan{"", "example.com", {"x", "b.x", "host.lan"}},
          links::RewritePlan{"me@example.com", "example.com", {"x", "host.lan"}}}) {
        const std::string out = rewritten(plan, text, piece);
        require(out == rewritten(plan, text, size));
        require(out == rewritten(plan, out, piece));
        require(split_message(out).body == split_message(text).body);
        if (!plan.from.empty()) check_from(out);
    }
    (void)rewrite_sender({"", "example.com", {"x"}}, text);
    return 0;
}
