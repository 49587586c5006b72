#include "smtpd/config/utf8.h"

#include <cstdint>

namespace holdfast::config {

namespace {

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
    return static_cast<std::uint8_t>(bytes[at]);
}

std::size_t announced_length(std::uint8_t lead) {
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead < 0xe0) return 2;
    if (lead >= 0xe0 && lead < 0xf0) return 3;
    if (lead >= 0xf0 && lead < 0xf5) return 4;
    return 0;
}

// Overlong forms, surrogates and values above U+10FFFF all show in the second byte.
bool second_byte_allowed(std::uint8_t lead, std::uint8_t second) {
    if (lead == 0xe0) return second >= 0xa0;
    if (lead == 0xed) return second < 0xa0;
    if (lead == 0xf0) return second >= 0x90;
    if (lead == 0xf4) return second < 0x90;
    return true;
}

}  // namespace

std::size_t character_length(std::string_view bytes) {
    if (bytes.empty()) return 0;
    const std::size_t length = announced_length(byte_at(bytes, 0));
    if (length > bytes.size()) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte_at(bytes, i) & 0xc0) != 0x80) return 0;
    }
    if (length > 1 && !second_byte_allowed(byte_at(bytes, 0), byte_at(bytes, 1))) return 0;
    return length;
}

}  // namespace holdfast::config
