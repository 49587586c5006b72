// Which way mail that leaves this machine takes: the route statements in their order, the first one
// that fits decides. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/links/snapshots.h"
#include "smtpd/mail/address.h"

namespace holdfast::qmgr {

class RouteTable {
  public:
    explicit RouteTable(const links::QmgrSnapshot& config)
        : relays_(config.relays), routes_(config.routes) {}

    // The place of the route in the table; nothing where none fits. `sender` as in the envelope.
    std::optional<std::size_t> find(const Address& recipient, std::string_view sender) const;

    const links::RoutePlan& route(std::size_t at) const { return routes_.at(at); }
    std::size_t size() const { return routes_.size(); }
    // Whether mail can leave this machine at all.
    bool leads_anywhere() const { return !routes_.empty(); }

    const links::RelayLabel& relay(std::size_t at) const { return relays_.at(at); }
    // "main, spare"
    std::string names(const std::vector<std::uint32_t>& relays) const;
    // "smtpd.conf:3, smtpd.conf:4"
    std::string places(const std::vector<std::uint32_t>& relays) const;

  private:
    std::string joined(const std::vector<std::uint32_t>& relays,
                       std::string links::RelayLabel::* member) const;

    std::vector<links::RelayLabel> relays_;
    std::vector<links::RoutePlan> routes_;
};

// Whether an address is one of those that a route statement means. The domain is compared without
// regard to case, a local part exactly.
bool matches(const links::RoutePlan& route, const Address& address);

}  // namespace holdfast::qmgr
