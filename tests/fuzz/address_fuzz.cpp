// Address: what parses reads back as itself, and holds nothing that could end a line.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "smtpd/mail/address.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using holdfast::Address;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto address = Address::parse(text)) {
        if (address->text() != text || !address->same_as(*Address::parse(address->text()))) abort();
        for (const char c : text) {
            if (c < 0x20 || c == 0x7f) abort();
        }
        (void)address->mailbox_name();
    }
    const auto local = Address::parse_with_origin(text, "example.org");
    if (local && !Address::parse(local->text())) abort();
    return 0;
}
