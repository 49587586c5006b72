#include "smtpd/mail/base64.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace holdfast {

namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Up to three bytes as the high bits of 24.
std::uint32_t bits_of(std::string_view bytes) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
        bits <<= 8;
        if (i < bytes.size()) bits |= static_cast<unsigned char>(bytes[i]);
    }
    return bits;
}

// Two to four characters: one to three bytes.
std::optional<std::string> decoded_group(std::string_view characters) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 4; ++i) {
        bits <<= 6;
        if (i >= characters.size()) continue;
        const std::size_t value = alphabet.find(characters[i]);
        if (value == std::string_view::npos) return std::nullopt;
        bits |= static_cast<std::uint32_t>(value);
    }
    const std::size_t length = characters.size() * 6 / 8;
    std::string bytes;
    for (std::size_t i = 0; i < length; ++i) {
        bytes.push_back(static_cast<char>(bits >> (16 - 8 * i) & 0xff));
    }
    const bool unused_bits_are_zero = (bits & (0xffffffU >> (8 * length))) == 0;
    if (!unused_bits_are_zero) return std::nullopt;
    return bytes;
}

}  // namespace

std::string base64_encoded(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    while (!bytes.empty()) {
        const std::size_t length = std::min<std::size_t>(bytes.size(), 3);
        const std::uint32_t bits = bits_of(bytes.substr(0, length));
        for (std::size_t i = 0; i < 4; ++i) {
            text.push_back(i <= length ? alphabet[bits >> (18 - 6 * i) & 63] : '=');
        }
        bytes.remove_prefix(length);
    }
    return text;
}

std::optional<std::string> base64_decoded(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3);
    for (; !text.empty(); text.remove_prefix(4)) {
        std::string_view group = text.substr(0, 4);
        if (text.size() == 4) {
            if (group.ends_with('=')) group.remove_suffix(1);
            if (group.ends_with('=')) group.remove_suffix(1);
        }
        const auto decoded = group.size() < 2 ? std::nullopt : decoded_group(group);
        if (!decoded) return std::nullopt;
        bytes += *decoded;
    }
    return bytes;
}

}  // namespace holdfast
