#include "tests/smtpd/relay/mime_oracle.h"

#include <algorithm>

#include "smtpd/mail/ascii.h"
#include "smtpd/mail/base64.h"
#include "smtpd/mail/header.h"

namespace holdfast::relay {

namespace {

std::string value_of(const SplitMessage& part, std::string_view name) {
    for (const HeaderField& field : part.fields) {
        if (field.named(name)) return std::string(ascii::trimmed(field.value));
    }
    return {};
}

std::string boundary_of(const std::string& type) {
    const std::size_t at = ascii::lower_case(type).find("boundary=");
    if (at == std::string::npos) return {};
    const std::string rest = type.substr(at + 9);
    if (rest.starts_with('"')) return rest.substr(1, rest.find('"', 1) - 1);
    return rest.substr(0, rest.find_first_of("; \n"));
}

int digit(char c) {
    return ascii::is_digit(c) ? c - '0' : ascii::lower(c) - 'a' + 10;
}

std::string content_of(std::string_view body, const std::string& encoding) {
    if (encoding == "quoted-printable") return quoted_printable_decoded(body);
    if (encoding == "base64") return base64_text_decoded(body);
    return std::string(body);
}

// The parts between delimiters, each without the line end before the next.
std::vector<std::string> pieces_of(std::string_view body, const std::string& boundary) {
    std::vector<std::string> pieces;
    std::string piece;
    bool inside = false;
    while (!body.empty()) {
        const std::size_t end = body.find('\n');
        const std::string_view line = body.substr(0, end == body.npos ? end : end + 1);
        body.remove_prefix(line.size());
        const std::string_view shown = ascii::trimmed(line);
        const bool closing = shown == "--" + boundary + "--";
        if (shown != "--" + boundary && !closing) {
            piece += line;
            continue;
        }
        if (inside) pieces.push_back(piece.substr(0, piece.size() - (piece.empty() ? 0 : 1)));
        piece.clear();
        inside = !closing;
        if (closing) return pieces;
    }
    if (inside) pieces.push_back(piece);
    return pieces;
}

}  // namespace

std::string quoted_printable_decoded(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? line.size() : line.size() + 1);
        while (line.ends_with(' ') || line.ends_with('\t')) line.remove_suffix(1);
        const bool soft = line.ends_with('=');
        if (soft) line.remove_suffix(1);
        for (std::size_t i = 0; i < line.size(); ++i) {
            if (line[i] != '=') {
                out.push_back(line[i]);
                continue;
            }
            out.push_back(static_cast<char>(digit(line.at(i + 1)) * 16 + digit(line.at(i + 2))));
            i += 2;
        }
        if (!soft && end != std::string_view::npos) out.push_back('\n');
    }
    return out;
}

std::string base64_text_decoded(std::string_view text) {
    std::string joined(text);
    std::erase(joined, '\n');
    std::string out = base64_decoded(joined).value();
    for (std::size_t at = out.find("\r\n"); at != std::string::npos; at = out.find("\r\n", at)) {
        out.erase(at, 1);
    }
    return out;
}

std::string words_decoded(std::string_view value) {
    std::string text(value);
    std::erase(text, '\n');
    std::string out;
    std::size_t at = 0;
    std::size_t behind_word = std::string::npos;  // in out
    while (at < text.size()) {
        const std::size_t begin = text.find("=?", at);
        const std::size_t data = text.find("?Q?", begin);
        const std::size_t end = text.find("?=", data + 3);
        if (begin == std::string::npos || end == std::string::npos) break;
        const std::string between = text.substr(at, begin - at);
        if (behind_word != out.size() || !ascii::trimmed(between).empty()) out += between;
        std::string word = text.substr(data + 3, end - data - 3);
        std::ranges::replace(word, '_', ' ');
        for (std::size_t i = 0; i < word.size(); ++i) {
            const bool escaped = word[i] == '=';
            out.push_back(
                escaped ? static_cast<char>(digit(word.at(i + 1)) * 16 + digit(word.at(i + 2)))
                        : word[i]);
            if (escaped) i += 2;
        }
        behind_word = out.size();
        at = end + 2;
    }
    return out + text.substr(at);
}

std::vector<DecodedPart> decoded_parts(std::string_view message) {
    const SplitMessage part = split_message(message);
    const std::string type = value_of(part, "Content-Type");
    const std::string kind = ascii::lower_case(type.substr(0, type.find_first_of("; \n")));
    const std::string boundary = boundary_of(type);
    std::vector<DecodedPart> parts;
    if (kind.starts_with("multipart/") && !boundary.empty()) {
        for (const std::string& piece : pieces_of(part.body, boundary)) {
            std::ranges::move(decoded_parts(piece), std::back_inserter(parts));
        }
        return parts;
    }
    if (kind == "message/rfc822") return decoded_parts(part.body);
    const std::string encoding = ascii::lower_case(value_of(part, "Content-Transfer-Encoding"));
    parts.push_back({kind.empty() ? "text/plain" : kind, content_of(part.body, encoding)});
    return parts;
}

std::size_t longest_line(std::string_view text) {
    std::size_t longest = 0;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        longest = std::max(longest, end);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return longest;
}

}  // namespace holdfast::relay
