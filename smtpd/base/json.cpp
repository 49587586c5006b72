#include "smtpd/base/json.h"

#include "smtpd/base/utf8.h"

namespace holdfast {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view replacement = "\xef\xbf\xbd";

void append_ascii(std::string& out, char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
        out += "\\n";
    } else if (c == '"' || c == '\\') {
        out.append("\\").push_back(c);
    } else if (byte < 0x20 || byte == 0x7f) {
        out.append("\\u00").push_back(hex_digits[byte >> 4]);
        out.push_back(hex_digits[byte & 15]);
    } else {
        out.push_back(c);
    }
}

}  // namespace

std::string json_string(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        if (length == 0) {
            out += replacement;
        } else if (length == 1) {
            append_ascii(out, text.front());
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return out + "\"";
}

std::string json_array(const std::vector<std::string>& values) {
    std::string out;
    for (const std::string& value : values) out += (out.empty() ? "" : ",") + value;
    return "[" + out + "]";
}

std::string json_strings(const std::vector<std::string>& texts) {
    std::vector<std::string> values;
    values.reserve(texts.size());
    for (const std::string& text : texts) values.push_back(json_string(text));
    return json_array(values);
}

JsonObject& JsonObject::raw(std::string_view key, std::string_view json) {
    if (!members_.empty()) members_ += ",";
    members_.append(json_string(key)).append(":").append(json);
    return *this;
}

}  // namespace holdfast
