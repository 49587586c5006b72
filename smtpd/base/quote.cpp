#include "smtpd/base/quote.h"

namespace holdfast {

namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";

void append_hex(std::string& out, std::string_view lead, unsigned char byte) {
    out.append(lead).push_back(hex_digits[byte >> 4]);
    out.push_back(hex_digits[byte & 15]);
}

void append_escaped(std::string& out, char c) {
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
        case '"':
            out += "\\\"";
            return;
        case '\\':
            out += "\\\\";
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

std::string escaped(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    for (const char c : bytes) append_escaped(out, c);
    return out;
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
