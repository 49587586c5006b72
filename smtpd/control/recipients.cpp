#include "smtpd/control/recipients.h"

#include "smtpd/base/packet.h"
#include "smtpd/base/quote.h"
#include "smtpd/mail/address.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::control {

namespace {

// What a recipient takes in a frame beside its address, with room to spare.
constexpr std::size_t frame_overhead = 32;

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
    if (addresses_.size() == max_count || bytes_ + address->text().size() > max_bytes) {
        return std::unexpected(Error(E2BIG, "recipients"));
    }
    if (!known_.insert(key_of(*address)).second) return {};
    addresses_.push_back(address->text());
    bytes_ += addresses_.back().size();
    return {};
}

std::vector<links::Recipients> recipient_messages(const std::vector<std::string>& addresses,
                                                  std::uint8_t notify,
                                                  const links::Recipients& form) {
    std::vector<links::Recipients> result;
    std::size_t room = 0;
    for (const std::string& address : addresses) {
        const std::size_t size = address.size() + frame_overhead;
        if (size > room) {
            result.push_back(form);
            room = max_chunk;
        }
        room -= size;
        result.back().recipients.push_back({address, {}, notify});
    }
    return result;
}

}  // namespace holdfast::control
