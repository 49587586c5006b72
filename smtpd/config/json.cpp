#include "smtpd/config/json.h"

#include <string_view>

#include "smtpd/config/utf8.h"

namespace holdfast::config {

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";
constexpr std::string_view hex_digits = "0123456789abcdef";

std::string control_escape(unsigned char byte) {
    return std::string("\\u00") + hex_digits[byte >> 4] + hex_digits[byte & 15];
}

std::string json_character(std::string_view character) {
    const auto byte = static_cast<unsigned char>(character.front());
    if (byte == '"' || byte == '\\') return std::string("\\") + character.front();
    if (byte < 0x20 || byte == 0x7f) return control_escape(byte);
    return std::string(character);
}

std::string json_string(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        out += length == 0 ? std::string(replacement) : json_character(text.substr(0, length));
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return out + "\"";
}

std::string json_strings(const std::vector<std::string>& texts) {
    std::string out;
    for (const std::string& text : texts) out += (out.empty() ? "" : ",") + json_string(text);
    return "[" + out + "]";
}

std::string_view severity_name(Severity severity) {
    switch (severity) {
        case Severity::error:
            return "error";
        case Severity::warning:
            return "warning";
    }
    return "error";
}

std::string json_object(const Diagnostic& diagnostic) {
    const Place& place = diagnostic.place;
    return "{\"severity\":" + json_string(severity_name(diagnostic.severity)) +
           ",\"file\":" + json_string(place.file) + ",\"line\":" + std::to_string(place.line) +
           ",\"column\":" + std::to_string(place.column) +
           ",\"length\":" + std::to_string(place.length) +
           ",\"message\":" + json_string(diagnostic.message) +
           ",\"expected\":" + json_string(diagnostic.expected) +
           ",\"suggestion\":" + json_string(diagnostic.suggestion) +
           ",\"notes\":" + json_strings(diagnostic.notes) + "}";
}

}  // namespace

std::string to_json(const Diagnostics& diagnostics) {
    std::string out;
    for (const Diagnostic& diagnostic : diagnostics.all()) {
        out += (out.empty() ? "" : ",\n ") + json_object(diagnostic);
    }
    return "[" + out + "]\n";
}

}  // namespace holdfast::config
