// Random words for logins.
#pragma once

#include <string>

#include "smtpd/base/error.h"

namespace holdfast::relay {

// As SaslClient wants it: 32 hexadecimal digits.
Result<std::string> fresh_nonce();

}  // namespace holdfast::relay
