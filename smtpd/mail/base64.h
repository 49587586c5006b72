// Base 64 (RFC 4648 section 4), on one line: what SASL says over SMTP.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace holdfast {

std::string base64_encoded(std::string_view bytes);

// Nothing where the text is not exactly what base64_encoded() makes of some bytes: no white space,
// no other alphabet, the padding there, its unused bits zero.
std::optional<std::string> base64_decoded(std::string_view text);

}  // namespace holdfast
