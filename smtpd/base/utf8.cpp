#include "smtpd/base/utf8.h"

#include <array>

namespace holdfast {

std::size_t character_length(std::string_view text) {
    // By length: what fits into fewer bytes is overlong.
    static constexpr std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    if (text.empty()) return 0;
    const auto lead = static_cast<std::uint8_t>(text.front());
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc0 || lead >= 0xf8 || text.size() < length) return 0;
    for (const char c : text.substr(1, length - 1)) {
        if ((c & 0xc0) != 0x80) return 0;
    }
    const std::uint32_t code = code_of(text.substr(0, length));
    const bool surrogate = code >= 0xd800 && code < 0xe000;
    return code < least.at(length) || code > 0x10ffff || surrogate ? 0 : length;
}

std::uint32_t code_of(std::string_view character) {
    const auto lead = static_cast<std::uint8_t>(character.front());
    if (character.size() == 1) return lead;
    std::uint32_t code = lead & (0x7fU >> character.size());
    for (const char c : character.substr(1)) {
        code = code << 6 | static_cast<std::uint32_t>(c & 0x3f);
    }
    return code;
}

}  // namespace holdfast
