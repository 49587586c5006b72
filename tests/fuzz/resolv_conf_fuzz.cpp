// resolv.conf of any content: at least one name server and at most three, each of them an address
// that can stand in front of "@53".
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "smtpd/dns/resolv_conf.h"
#include "smtpd/loop/ip_address.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace holdfast;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto servers = dns::parse_resolv_conf(text).name_servers;
    if (servers.empty() || servers.size() > dns::max_name_servers) std::abort();
    for (const std::string& server : servers) {
        const auto address = IpAddress::parse(server.substr(0, server.find('%')));
        if (!address || address->is_unspecified()) std::abort();
        if (server.find_first_of("@ \t\r\n#") != std::string::npos) std::abort();
        if (server.find('\0') != std::string::npos) std::abort();
    }
    return 0;
}
