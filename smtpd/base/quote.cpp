#include "smtpd/base/quote.h"

#include <algorithm>
#include <cstdint>

#include "smtpd/base/utf8.h"

namespace holdfast {

namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";

void append_hex(std::string& out, std::string_view lead, unsigned char byte) {
    out.append(lead).push_back(hex_digits[byte >> 4]);
    out.push_back(hex_digits[byte & 15]);
}

void append_ascii(std::string& out, char c) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            break;
    }
    if (byte < 0x20 || byte == 0x7f) {
        append_hex(out, "\\x", byte);
    } else {
        out.push_back(c);
    }
}

void append_character(std::string& out, std::string_view character) {
    if (!is_mischievous(character)) {
        out.append(character);
        return;
    }
    const std::uint32_t code = code_of(character);
    out += "\\u{";
    for (int shift = 12; shift >= 0; shift -= 4) out.push_back(hex_digits[code >> shift & 15]);
    out.push_back('}');
}

enum class Marks : std::uint8_t { escaped, kept };

std::string without_mischief(std::string_view bytes, Marks marks) {
    std::string out;
    out.reserve(bytes.size());
    while (!bytes.empty()) {
        const std::size_t length = character_length(bytes);
        const char first = bytes.front();
        if (length == 0) {
            append_hex(out, "\\x", static_cast<unsigned char>(first));
        } else if (length > 1) {
            append_character(out, bytes.substr(0, length));
        } else {
            if (marks == Marks::escaped && (first == '"' || first == '\\')) out.push_back('\\');
            append_ascii(out, first);
        }
        bytes.remove_prefix(std::max<std::size_t>(length, 1));
    }
    return out;
}

bool fits_in_a_word(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7f && c != '%';
}

std::optional<unsigned> hex_value(char c) {
    const std::size_t at = hex_digits.find(c);
    if (at == std::string_view::npos) return std::nullopt;
    return static_cast<unsigned>(at);
}

}  // namespace

bool is_mischievous(std::string_view character) {
    const std::uint32_t code = code_of(character);
    return (code >= 0x80 && code < 0xa0) || code == 0x61c || code == 0x200e || code == 0x200f ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
           code == 0xfeff;
}

std::string escaped(std::string_view bytes) {
    return without_mischief(bytes, Marks::escaped);
}

std::string harmless(std::string_view text) {
    return without_mischief(text, Marks::kept);
}

std::string harmless_lines(std::string_view text) {
    std::string out;
    for (std::size_t end = 0; (end = text.find_first_of("\n\t")) != std::string_view::npos;) {
        out.append(harmless(text.substr(0, end))).push_back(text[end]);
        text.remove_prefix(end + 1);
    }
    return out.append(harmless(text));
}

std::string quoted(std::string_view bytes) {
    std::string out = escaped(bytes);
    const bool plain = out.size() == bytes.size() && !bytes.empty() &&
                       bytes.find_first_of(" =") == std::string_view::npos;
    return plain ? out : '"' + out + '"';
}

std::string percent_encoded(std::string_view bytes) {
    if (bytes.empty()) return "-";
    if (bytes == "-") return "%2D";
    std::string out;
    out.reserve(bytes.size());
    for (const char c : bytes) {
        if (fits_in_a_word(c)) {
            out.push_back(c);
        } else {
            append_hex(out, "%", static_cast<unsigned char>(c));
        }
    }
    return out;
}

std::optional<std::string> percent_decoded(std::string_view word) {
    if (word == "-") return std::string();
    if (word.empty()) return std::nullopt;
    std::string out;
    out.reserve(word.size());
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (word[i] != '%') {
            if (!fits_in_a_word(word[i])) return std::nullopt;
            out.push_back(word[i]);
            continue;
        }
        if (word.size() - i < 3) return std::nullopt;
        const auto high = hex_value(word[i + 1]);
        const auto low = hex_value(word[i + 2]);
        if (!high || !low) return std::nullopt;
        out.push_back(static_cast<char>(*high << 4 | *low));
        i += 2;
    }
    return out;
}

}  // namespace holdfast
