#include "smtpd/qmgr/route_table.h"

#include "smtpd/mail/ascii.h"

namespace holdfast::qmgr {

bool matches(const links::RoutePlan& route, const Address& address) {
    const std::string domain = ascii::lower_case(address.domain());
    switch (route.match) {
        case links::RouteMatch::address:
            return address.local_part() + "@" + domain == route.pattern;
        case links::RouteMatch::domain:
            return domain == route.pattern;
        case links::RouteMatch::subdomains:
            break;
    }
    return domain.ends_with("." + route.pattern);
}

std::optional<std::size_t> RouteTable::find(const Address& recipient,
                                            std::string_view sender) const {
    const auto from = Address::parse(sender);
    for (std::size_t i = 0; i < routes_.size(); ++i) {
        const links::RoutePlan& route = routes_[i];
        switch (route.by) {
            case links::RouteBy::all:
                return i;
            case links::RouteBy::recipient:
                if (matches(route, recipient)) return i;
                break;
            case links::RouteBy::sender:
                if (from && matches(route, *from)) return i;
                break;
        }
    }
    return std::nullopt;
}

std::string RouteTable::names(const std::vector<std::uint32_t>& relays) const {
    return joined(relays, &links::RelayLabel::name);
}

std::string RouteTable::places(const std::vector<std::uint32_t>& relays) const {
    return joined(relays, &links::RelayLabel::place);
}

std::string RouteTable::joined(const std::vector<std::uint32_t>& relays,
                               std::string links::RelayLabel::* member) const {
    std::string text;
    for (const std::uint32_t at : relays) {
        if (!text.empty()) text += ", ";
        text += relays_.at(at).*member;
    }
    return text;
}

}  // namespace holdfast::qmgr
