#include "smtpd/relay/nonce.h"

#include <string_view>

#include "smtpd/tls/digest.h"

namespace holdfast::relay {

Result<std::string> fresh_nonce() {
    constexpr std::size_t bytes = 16;
    const auto random = tls::random_bytes(bytes);
    if (!random) return random.error().pass();
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const char c : *random) {
        const auto byte = static_cast<unsigned char>(c);
        text.push_back(digits[byte >> 4]);
        text.push_back(digits[byte & 15]);
    }
    return text;
}

}  // namespace holdfast::relay
