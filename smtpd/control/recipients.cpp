#include "smtpd/control/recipients.h"

#include <utility>

#include "smtpd/base/quote.h"
#include "smtpd/mail/address.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::control {

namespace {

constexpr std::size_t quoted_at_most = 80;  // of an address that is none, in the answer

// Equal for the addresses that RFC 5321 section 2.4 makes equal: only the domain has no case.
std::string key_of(const Address& address) {
    std::string key = address.local_part() + "@";
    for (const char c : address.domain()) key.push_back(ascii::lower(c));
    return key;
}

}  // namespace

Status RecipientList::add(std::string_view text) {
    const auto address = Address::parse_with_origin(text, origin_);
    if (!address) {
        const std::string shown = quoted(text.substr(0, quoted_at_most));
        return std::unexpected(Error(EINVAL, "recipient", shown));
    }
    std::string key = key_of(*address);
    if (known_.contains(key)) return {};
    if (addresses_.size() == max_count || bytes_ + address->text().size() > max_bytes) {
        return std::unexpected(Error(E2BIG, "recipients"));
    }
    known_.insert(std::move(key));
    addresses_.push_back(address->text());
    bytes_ += addresses_.back().size();
    return {};
}

}  // namespace holdfast::control
