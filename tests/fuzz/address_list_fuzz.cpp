// Address lists: what is found is an address, and stands in the list where it is said to.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "smtpd/mail/address.h"
#include "smtpd/mail/address_list.h"

namespace {

using namespace holdfast;

void check(std::string_view list, BareWords rule) {
    for (const ListedAddress& address : parse_address_list(list, rule).addresses) {
        if (!Address::parse_with_origin(address.text, "example.org")) abort();
        const std::size_t local = address.has_domain
                                      ? Address::parse(address.text)->local_part().size()
                                      : address.text.size();
        if (address.local_end > list.size() || address.local_end < local) abort();
        if (list.substr(address.local_end - local, local) != address.text.substr(0, local)) abort();
        const std::size_t at = address.text.size() - (address.domain_end - address.domain_begin);
        if (address.domain_end > list.size() || (address.domain_end == 0) == address.has_domain) {
            abort();
        }
        if (!list.substr(address.domain_begin).starts_with(address.text.substr(at))) abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view list(reinterpret_cast<const char*>(data), size);
    check(list, BareWords::recipients);
    check(list, BareWords::unreadable);
    return 0;
}
