// The ESMTP parameters of MAIL.
#pragma once

#include <cstdint>
#include <expected>
#include <span>

#include "smtpd/mail/command.h"
#include "smtpd/mail/reply.h"

namespace holdfast::smtpin {

struct MailParameters {
    std::uint64_t size = 0;  // RFC 1870; 0 where none was declared
    bool eight_bit = false;  // RFC 6152: BODY=8BITMIME
};

// The reply is 555 for a keyword that was not offered, 501 for a value that is none.
std::expected<MailParameters, Reply> read_mail_parameters(std::span<const Parameter> parameters);

}  // namespace holdfast::smtpin
