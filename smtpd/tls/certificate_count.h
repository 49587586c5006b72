// Files of certificates that are trusted, not served: whether there is anything in them. Pure.
#pragma once

#include <cstddef>
#include <string_view>

#include "smtpd/base/error.h"

namespace holdfast::tls {

// How many certificates `pem` holds, in any order: never 0. Blocks of other kinds are skipped, but
// for a private key, which does not belong there. `name` stands in the errors.
Result<std::size_t> count_certificates(std::string_view pem, std::string_view name);

}  // namespace holdfast::tls
