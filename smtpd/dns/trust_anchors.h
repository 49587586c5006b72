// The trust anchors of a file such as /usr/share/dns/root.key, or that unbound-anchor keeps up to
// date: DS and DNSKEY records as text, one a line. Pure, total, bounded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::dns {

inline constexpr std::size_t max_trust_anchors = 100;

// Each record without its comment. Keys that the comment of RFC 5011 (";;state=") calls neither
// valid nor missing are not trusted, and left out.
std::vector<std::string> parse_trust_anchors(std::string_view text);

}  // namespace holdfast::dns
