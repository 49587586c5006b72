// hosts(5): names that this machine knows without asking a name server. Pure, total, bounded.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/loop/ip_address.h"

namespace holdfast::dns {

class HostsFile {
  public:
    // What goes beyond these is not there: the first ones count, as they do for everybody.
    static constexpr std::size_t max_size = 1 << 20;  // bytes
    static constexpr std::size_t max_names = 10'000;
    static constexpr std::size_t max_addresses = 32;  // of one name

    HostsFile() = default;

    // Lines that cannot be read are passed over.
    static HostsFile parse(std::string_view text);

    // The addresses of a name in any case, with or without a dot at its end, in the order of the
    // file; empty where it has none. They are valid as long as this is.
    std::span<const IpAddress> find(std::string_view name) const;

    std::size_t size() const { return names_.size(); }  // names

  private:
    void add(std::string_view name, const IpAddress& address);

    std::map<std::string, std::vector<IpAddress>, std::less<>> names_;  // lower case
};

}  // namespace holdfast::dns
