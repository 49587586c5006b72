#include "smtpd/dns/hosts_file.h"

#include <algorithm>

#include "smtpd/dns/words.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::dns {

namespace {

constexpr std::size_t max_name = 255;

// As names are kept: lower case, no dot at the end.
std::string key_of(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    return ascii::lower_case(name);
}

// The whole lines within the limit.
std::string_view readable_part(std::string_view text) {
    if (text.size() <= HostsFile::max_size) return text;
    text = text.substr(0, HostsFile::max_size);
    return text.substr(0, text.rfind('\n') + 1);
}

}  // namespace

HostsFile HostsFile::parse(std::string_view text) {
    HostsFile result;
    text = readable_part(text);
    while (!text.empty()) {
        std::string_view rest = take_line(text);
        rest = rest.substr(0, rest.find('#'));
        const auto address = IpAddress::parse(take_word(rest));
        if (!address) continue;
        for (auto name = take_word(rest); !name.empty(); name = take_word(rest)) {
            result.add(name, *address);
        }
    }
    return result;
}

void HostsFile::add(std::string_view name, const IpAddress& address) {
    if (name.size() > max_name) return;
    std::string key = key_of(name);
    auto found = names_.find(key);
    if (found == names_.end()) {
        if (key.empty() || names_.size() == max_names) return;
        found = names_.emplace(std::move(key), std::vector<IpAddress>()).first;
    }
    std::vector<IpAddress>& addresses = found->second;
    if (addresses.size() == max_addresses) return;
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
}

std::span<const IpAddress> HostsFile::find(std::string_view name) const {
    const auto found = names_.find(key_of(name));
    if (found == names_.end()) return {};
    return found->second;
}

}  // namespace holdfast::dns
