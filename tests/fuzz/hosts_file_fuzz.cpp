// A hosts file of any content: bounded, and every word of it can be asked for.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "smtpd/dns/hosts_file.h"
#include "smtpd/dns/words.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace holdfast;
    std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto hosts = dns::HostsFile::parse(text);
    if (hosts.size() > dns::HostsFile::max_names) std::abort();
    std::size_t asked = 0;
    while (!text.empty() && ++asked < 100) {
        std::string_view rest = dns::take_line(text);
        const auto address = IpAddress::parse(dns::take_word(rest));
        const std::string_view name = dns::take_word(rest);
        const auto found = hosts.find(name);
        if (found.size() > dns::HostsFile::max_addresses) std::abort();
        if (!address && found.empty()) continue;
        for (const IpAddress& each : found) {
            if (IpAddress::parse(each.text()) != each) std::abort();
        }
    }
    return 0;
}
