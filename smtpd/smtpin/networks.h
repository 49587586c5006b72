// Who may send to other machines through a listener: the programs of this machine, and clients of
// the networks that smtpd.conf names for it. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/smtpin/client_address.h"

namespace holdfast::smtpin {

class Networks {
  public:
    Networks() = default;
    // "10.0.0.0/24", "2001:db8::/32" (links::RelayRight). What is none of these is left out: it
    // gives nobody a right.
    explicit Networks(const std::vector<std::string>& texts);

    bool hold(const ClientAddress& client) const;

  private:
    struct Network {
        AddressBytes first{};
        unsigned length = 0;  // of the prefix, in bits of the IPv6 form
    };
    std::vector<Network> networks_;
};

}  // namespace holdfast::smtpin
