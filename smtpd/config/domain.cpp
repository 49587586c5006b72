#include "smtpd/config/domain.h"

#include <algorithm>

#include "smtpd/mail/address.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::config {

std::optional<std::string> parse_domain(std::string_view text) {
    // What an address may have behind its "@" is the one rule there is.
    if (text.starts_with('[')) return std::nullopt;
    const auto address = Address::parse(std::string("x@").append(text));
    if (!address) return std::nullopt;
    std::string domain = address->domain();
    std::ranges::transform(domain, domain.begin(), ascii::lower);
    return domain;
}

}  // namespace holdfast::config
