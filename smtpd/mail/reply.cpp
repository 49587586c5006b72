#include "smtpd/mail/reply.h"

#include <algorithm>

#include "smtpd/mail/ascii.h"

namespace holdfast {

namespace {

constexpr std::size_t max_line = 512;  // RFC 5321 section 4.5.3.1.5, with its end

void append_line(std::string& out, std::string_view lead, std::string_view text) {
    const std::size_t room = max_line - 2 - std::min(lead.size(), max_line - 2);
    out.append(lead);
    for (const char c : text.substr(0, room)) out.push_back(ascii::is_printable(c) ? c : '?');
    out.append("\r\n");
}

bool is_number(std::string_view text) {
    return !text.empty() && text.size() <= 3 && std::ranges::all_of(text, ascii::is_digit);
}

// class "." subject "." detail (RFC 3463 section 2).
bool is_enhanced(std::string_view text, char status_class) {
    const std::size_t second = text.rfind('.');
    if (text.size() < 5 || second < 3 || second == std::string_view::npos) return false;
    return text[0] == status_class && text[1] == '.' && is_number(text.substr(2, second - 2)) &&
           is_number(text.substr(second + 1));
}

}  // namespace

std::string to_wire(const Reply& reply) {
    std::string lead = std::to_string(reply.code) + " ";
    if (!reply.enhanced.empty()) lead.append(reply.enhanced).push_back(' ');
    std::string out;
    append_line(out, lead, reply.text);
    return out;
}

std::string to_wire(std::uint16_t code, std::span<const std::string> lines) {
    const std::string number = std::to_string(code);
    std::string out;
    for (std::size_t i = 0; i < lines.size(); ++i) {
        append_line(out, number + (i + 1 == lines.size() ? " " : "-"), lines[i]);
    }
    return out;
}

Reply refusal(std::uint16_t code, std::string_view enhanced, std::string_view text) {
    if (code < 400 || code > 599) return {451, "4.3.0", "try again later"};
    const char status_class = code < 500 ? '4' : '5';
    if (is_enhanced(enhanced, status_class))
        return {code, std::string(enhanced), std::string(text)};
    return {code, std::string(1, status_class) + ".0.0", std::string(text)};
}

}  // namespace holdfast
