#include "smtpd/smtpin/networks.h"

#include <algorithm>
#include <charconv>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace holdfast::smtpin {

namespace {

constexpr unsigned bits_of_v4 = 32;
constexpr unsigned bits_of_v6 = 128;

bool same_prefix(const AddressBytes& one, const AddressBytes& other, unsigned length) {
    const std::size_t whole = length / 8;
    if (!std::equal(one.begin(), one.begin() + whole, other.begin())) return false;
    if (length % 8 == 0) return true;
    const auto mask = static_cast<std::uint8_t>(0xff << (8 - length % 8));
    return ((one.at(whole) ^ other.at(whole)) & mask) == 0;
}

}  // namespace

Networks::Networks(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
        const std::size_t slash = text.find('/');
        if (slash == std::string::npos) continue;
        const std::string address = text.substr(0, slash);
        unsigned length = 0;
        const auto [end, error] =
            std::from_chars(text.data() + slash + 1, text.data() + text.size(), length);
        if (error != std::errc() || end != text.data() + text.size() || length == 0) continue;
        in_addr v4{};
        in6_addr v6{};
        if (inet_pton(AF_INET, address.c_str(), &v4) == 1 && length <= bits_of_v4) {
            networks_.push_back({mapped(v4), bits_of_v6 - bits_of_v4 + length});
        } else if (inet_pton(AF_INET6, address.c_str(), &v6) == 1 && length <= bits_of_v6) {
            networks_.push_back({std::to_array(v6.s6_addr), length});
        }
    }
}

bool Networks::hold(const ClientAddress& client) const {
    if (client.key() == this_machine) return true;
    return std::ranges::any_of(networks_, [&client](const Network& network) {
        return same_prefix(network.first, client.bytes(), network.length);
    });
}

}  // namespace holdfast::smtpin
