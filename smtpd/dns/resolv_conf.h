// resolv.conf(5): which name servers this machine asks. Pure, total, bounded.
//
// Search lists and ndots are not looked at: the host of a mail address or a relay statement is a
// full name. Neither are timeout and attempts: a lookup has a deadline of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::dns {

// As many as the C library asks.
inline constexpr std::size_t max_name_servers = 3;

struct ResolvConf {
    enum class Transport : std::uint8_t { any, tcp };

    // In the order of the file, which is that of preference: "192.0.2.1", "2001:db8::1",
    // "fe80::1%eth0". Never empty: without an entry, the name server of this machine.
    std::vector<std::string> name_servers;
    Transport transport = Transport::any;  // tcp: "options use-vc"

    bool operator==(const ResolvConf&) const = default;
};

// Lines that say nothing are passed over, as the C library does: there is no error.
ResolvConf parse_resolv_conf(std::string_view text);

}  // namespace holdfast::dns
