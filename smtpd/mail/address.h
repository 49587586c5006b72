// A mailbox as SMTP knows it: local-part@domain (RFC 5321 section 4.1.2), parsed once and then
// trusted by its type.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

// A domain as it may stand behind the "@" of an address, address literals excepted.
bool is_domain_name(std::string_view text);

class Address {
  public:
    static constexpr std::size_t max_local_part = 64;  // RFC 5321 section 4.5.3.1.1, octets
    static constexpr std::size_t max_length = 254;     // RFC 5321 section 4.5.3.1.3 less brackets

    // "local@domain" without brackets: a dot-string or quoted string, and a domain or an address
    // literal. No source route, no comments, no control bytes, ASCII only. Nothing if it is not
    // exactly that.
    static std::optional<Address> parse(std::string_view text);

    // As parse(), and a name without "@" gets `origin`: "root" is root@origin.
    static std::optional<Address> parse_with_origin(std::string_view text, std::string_view origin);

    // As it was written, case kept. A quoted local part keeps its quotes.
    const std::string& local_part() const { return local_part_; }
    const std::string& domain() const { return domain_; }
    std::string text() const { return local_part_ + "@" + domain_; }

    // The local part with quotes and backslashes resolved: what a mailbox name is compared with.
    std::string mailbox_name() const;

    // Same domain without regard to case, same local part exactly.
    bool same_as(const Address& other) const;

  private:
    std::string local_part_;
    std::string domain_;
};

}  // namespace holdfast
