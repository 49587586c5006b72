#include "smtpd/smtpin/parameters.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "smtpd/mail/ascii.h"

namespace holdfast::smtpin {

namespace {

// RFC 1870: up to 20 digits. What does not fit into 64 bits is too large for anyone.
std::optional<std::uint64_t> size_of(std::string_view value) {
    std::uint64_t size = 0;
    if (value.empty() || value.size() > 20 || !std::ranges::all_of(value, ascii::is_digit)) {
        return std::nullopt;
    }
    const auto read = std::from_chars(value.data(), value.data() + value.size(), size);
    return read.ec == std::errc() ? size : UINT64_MAX;
}

}  // namespace

std::expected<MailParameters, Reply> read_mail_parameters(std::span<const Parameter> parameters) {
    MailParameters result;
    for (const auto& [keyword, value] : parameters) {
        bool good = true;
        if (ascii::equal(keyword, "SIZE")) {
            const auto size = size_of(value);
            result.size = size.value_or(0);
            good = size.has_value();
        } else if (ascii::equal(keyword, "BODY")) {
            result.eight_bit = ascii::equal(value, "8BITMIME");
            good = result.eight_bit || ascii::equal(value, "7BIT");
        } else {
            return std::unexpected(
                Reply{555, "5.5.4", "MAIL parameter not offered: " + std::string(keyword)});
        }
        if (!good) {
            return std::unexpected(
                Reply{501, "5.5.4", "bad value for MAIL parameter " + std::string(keyword)});
        }
    }
    return result;
}

}  // namespace holdfast::smtpin
