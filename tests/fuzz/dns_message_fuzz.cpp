// A DNS message of any content: what is read of it has the length that its type has, and it is
// never more than the message holds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "smtpd/dns/message.h"
#include "smtpd/loop/ip_address.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace holdfast;
    const std::string_view packet(reinterpret_cast<const char*>(data), size);
    for (const auto type : {dns::RecordType::a, dns::RecordType::aaaa}) {
        const auto message = dns::parse_message(packet, type);
        if (!message) continue;
        const std::size_t length = type == dns::RecordType::a ? 4 : 16;
        if (message->records.size() > dns::max_records) std::abort();
        if (message->records.size() * (length + 11) > size) std::abort();
        for (const std::string& record : message->records) {
            if (record.size() != length || !IpAddress::of_bytes(record)) std::abort();
        }
    }
    return 0;
}
