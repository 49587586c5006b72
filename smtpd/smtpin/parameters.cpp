#include "smtpd/smtpin/parameters.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "smtpd/mail/ascii.h"

namespace holdfast::smtpin {

namespace {

struct Row {
    std::string_view keyword;
    bool (MailParameters::*set)(std::string_view);  // false: no such value
};

constexpr std::array mail_rows{
    Row{"SIZE", &MailParameters::set_size},
    Row{"BODY", &MailParameters::set_body},
};

}  // namespace

// RFC 1870: up to 20 digits. What does not fit into 64 bits is too large for anyone.
bool MailParameters::set_size(std::string_view value) {
    if (value.empty() || value.size() > 20 || !std::ranges::all_of(value, ascii::is_digit)) {
        return false;
    }
    const auto read = std::from_chars(value.data(), value.data() + value.size(), size);
    if (read.ec != std::errc()) size = UINT64_MAX;
    return true;
}

bool MailParameters::set_body(std::string_view value) {
    eight_bit = ascii::equal(value, "8BITMIME");
    return eight_bit || ascii::equal(value, "7BIT");
}

std::expected<MailParameters, Reply> read_mail_parameters(std::span<const Parameter> parameters) {
    MailParameters result;
    for (const Parameter& parameter : parameters) {
        const auto* const row = std::ranges::find_if(mail_rows, [&](const Row& known) {
            return ascii::equal(known.keyword, parameter.keyword);
        });
        const std::string keyword(parameter.keyword);
        if (row == mail_rows.end()) {
            return std::unexpected(Reply{555, "5.5.4", "MAIL parameter not offered: " + keyword});
        }
        if (!(result.*row->set)(parameter.value)) {
            return std::unexpected(Reply{501, "5.5.4", "bad value for MAIL parameter " + keyword});
        }
    }
    return result;
}

}  // namespace holdfast::smtpin
