#include "smtpd/config/pattern.h"

#include <string_view>

#include "smtpd/mail/address.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

using links::RouteMatch;

constexpr std::string_view expected_pattern =
    "USER@DOMAIN, @DOMAIN, or *.DOMAIN for what is below it";
constexpr std::string_view below = "*.";

// What was probably meant: other mail systems write ".domain", "*@domain" and "@*.domain".
std::string meant(std::string_view text) {
    const std::string_view rest = text.substr(std::min(text.find_first_not_of("*@."), text.size()));
    if (!is_domain_name(rest)) return {};
    const std::string_view front = text.substr(0, text.size() - rest.size());
    return std::string(front.contains('.') ? below : "@").append(rest);
}

}  // namespace

std::expected<Pattern, Fault> parse_pattern(const Word& word) {
    const std::string_view text = word.text;
    const std::string_view domain = text.substr(text.starts_with('@') ? 1 : 0);
    if (is_domain_name(domain)) return Pattern{RouteMatch::domain, ascii::lower_case(domain)};
    if (text.starts_with(below) && is_domain_name(text.substr(below.size()))) {
        return Pattern{RouteMatch::subdomains, ascii::lower_case(text.substr(below.size()))};
    }
    // A star in a local part is hardly meant as the letter that it is there.
    const auto address = Address::parse(text);
    if (address && !address->local_part().contains('*')) {
        return Pattern{RouteMatch::address,
                       address->local_part() + "@" + ascii::lower_case(address->domain())};
    }
    return std::unexpected(fault_of(word, in_quotes(text) + " means no addresses",
                                    std::string(expected_pattern), meant(text)));
}

std::vector<Pattern> wider_patterns(const Pattern& pattern) {
    std::vector<Pattern> all{pattern};
    std::string_view domain = pattern.text;
    if (pattern.match == RouteMatch::address) {
        domain.remove_prefix(domain.rfind('@') + 1);
        all.push_back({RouteMatch::domain, std::string(domain)});
    }
    for (std::size_t dot = 0; (dot = domain.find('.')) != std::string_view::npos;) {
        domain.remove_prefix(dot + 1);
        all.push_back({RouteMatch::subdomains, std::string(domain)});
    }
    return all;
}

}  // namespace holdfast::config
