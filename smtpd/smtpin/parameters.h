// The ESMTP parameters of MAIL: one row of a table each (parameters.cpp).
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "smtpd/mail/command.h"
#include "smtpd/mail/reply.h"

namespace holdfast::smtpin {

struct MailParameters {
    std::uint64_t size = 0;  // RFC 1870; 0 where none was declared
    bool eight_bit = false;  // RFC 6152: BODY=8BITMIME

    bool set_size(std::string_view value);
    bool set_body(std::string_view value);
};

// The reply is 555 for a keyword that was not offered, 501 for a value that is none.
std::expected<MailParameters, Reply> read_mail_parameters(std::span<const Parameter> parameters);

}  // namespace holdfast::smtpin
