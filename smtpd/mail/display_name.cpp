#include "smtpd/mail/display_name.h"

#include <algorithm>

#include "smtpd/base/utf8.h"
#include "smtpd/mail/ascii.h"

namespace holdfast {

namespace {

constexpr std::size_t max_encoded_word = 75;  // RFC 2047 section 2

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool is_bare_phrase(std::string_view text) {
    const bool plain =
        std::ranges::all_of(text, [](char c) { return c == ' ' || ascii::is_atext(c); });
    // What looks like an encoded word would be decoded by the reader.
    return plain && text.find("  ") == std::string_view::npos &&
           text.find("=?") == std::string_view::npos;
}

bool continues_a_character(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// The first character: a whole UTF-8 sequence, or nothing where it is not UTF-8.
std::string_view first_character(std::string_view text) {
    return text.substr(0, character_length(text));
}

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::string_view character = first_character(text);
        if (character.empty()) return false;
        text.remove_prefix(character.size());
    }
    return true;
}

// The Q encoding as it may stand in a phrase (RFC 2047 section 5, rule 3).
std::string q_encoded(std::string_view character) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string out;
    for (const char c : character) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == ' ') {
            out.push_back('_');
        } else if (ascii::is_alphanumeric(c) || c == '!' || c == '*' || c == '+' || c == '-' ||
                   c == '/') {
            out.push_back(c);
        } else {
            out.append({'=', digits[byte >> 4], digits[byte & 15]});
        }
    }
    return out;
}

std::string encoded_phrase(std::string_view text) {
    const bool utf8 = is_utf8(text);
    const std::string opening = utf8 ? "=?UTF-8?Q?" : "=?ISO-8859-1?Q?";
    std::string out = opening;
    std::size_t word = opening.size();
    while (!text.empty()) {
        const std::string_view character = utf8 ? first_character(text) : text.substr(0, 1);
        text.remove_prefix(character.size());
        const std::string encoded = q_encoded(character);
        if (word + encoded.size() + 2 > max_encoded_word) {
            out.append("?=\n ").append(opening);
            word = opening.size();
        }
        out.append(encoded);
        word += encoded.size();
    }
    return out + "?=";
}

// Cut without leaving a piece of a character behind.
std::string_view shortened(std::string_view text) {
    if (text.size() <= max_display_name) return text;
    std::size_t length = max_display_name;
    while (length > max_display_name - 4 && continues_a_character(text[length])) --length;
    return text.substr(0, length);
}

}  // namespace

std::string quoted_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out.push_back('\\');
        out.push_back(c);
    }
    return out + '"';
}

std::string without_controls(std::string_view text) {
    std::string out(text);
    std::ranges::replace_if(out, ascii::is_control, ' ');
    return out;
}

std::string display_name(std::string_view name) {
    const std::string clean = without_controls(shortened(name));
    const std::string_view text = ascii::trimmed(clean);
    if (text.empty()) return {};
    if (!is_ascii(text)) return encoded_phrase(text);
    return is_bare_phrase(text) ? std::string(text) : quoted_string(text);
}

}  // namespace holdfast
