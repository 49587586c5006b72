// Characters as the mail RFCs see them: ASCII, whatever the locale. Bytes above 0x7f belong to no
// class.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace holdfast::ascii {

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

constexpr bool is_alphanumeric(char c) {
    return is_digit(c) || (lower(c) >= 'a' && lower(c) <= 'z');
}

constexpr bool is_control(char c) {
    return (c >= 0 && c < 0x20) || c == 0x7f;
}

constexpr bool is_printable(char c) {
    return c >= 0x20 && c < 0x7f;
}

// White space inside a header, line ends of folding included.
constexpr bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// RFC 5322 section 3.2.3.
constexpr bool is_atext(char c) {
    return is_alphanumeric(c) ||
           (c != '\0' && std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos);
}

inline std::string lower_case(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), lower);
    return result;
}

constexpr bool equal(std::string_view left, std::string_view right) {
    return std::ranges::equal(left, right, {}, lower, lower);
}

constexpr std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

}  // namespace holdfast::ascii
