#include "smtpd/mail/address_lexer.h"

#include <optional>

#include "smtpd/mail/ascii.h"

namespace holdfast {

namespace {

constexpr std::string_view specials = "<>@:;,";

bool belongs_to_atom(char c) {
    constexpr std::string_view others = "()[]\\\"";
    return !ascii::is_space(c) && !ascii::is_control(c) &&
           specials.find(c) == std::string_view::npos && others.find(c) == std::string_view::npos;
}

// The length of what starts with an opening character at the front and ends with `closing`.
std::optional<std::size_t> enclosed_length(std::string_view text, char closing) {
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == closing) {
            return i + 1;
        }
    }
    return std::nullopt;
}

// Comments nest (RFC 5322 section 3.2.2): counted, so that depth costs nothing.
std::optional<std::size_t> comment_length(std::string_view text) {
    if (!text.starts_with('(')) return std::nullopt;
    std::size_t depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == '(') {
            ++depth;
        } else if (text[i] == ')' && --depth == 0) {
            return i + 1;
        }
    }
    return std::nullopt;
}

}  // namespace

std::size_t blank_length(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        if (ascii::is_space(text[at])) {
            ++at;
        } else if (const auto comment = comment_length(text.substr(at))) {
            at += *comment;
        } else {
            break;
        }
    }
    return at;
}

Token AddressLexer::next() {
    const bool space = skip_space();
    const std::string_view rest = list_.substr(at_);
    Token found;
    if (rest.empty()) {
        found = token(TokenKind::end, 0);
    } else if (specials.find(rest.front()) != std::string_view::npos) {
        found = token(TokenKind::special, 1);
        found.symbol = rest.front();
    } else if (rest.front() == '"') {
        found = enclosed(TokenKind::quoted, '"');
    } else if (rest.front() == '[') {
        found = enclosed(TokenKind::literal, ']');
    } else if (rest.front() == '(') {
        found = token(TokenKind::malformed, rest.size());
    } else {
        std::size_t length = 0;
        while (length < rest.size() && belongs_to_atom(rest[length])) ++length;
        found = length > 0 ? token(TokenKind::atom, length) : token(TokenKind::malformed, 1);
    }
    found.space_before = space;
    return found;
}

// Stops at the end, at a token, or at a comment that nothing closes.
bool AddressLexer::skip_space() {
    const std::size_t length = blank_length(list_.substr(at_));
    at_ += length;
    return length > 0;
}

Token AddressLexer::token(TokenKind kind, std::size_t length) {
    const std::size_t begin = at_;
    at_ += length;
    return Token{kind, begin, at_, '\0', false};
}

Token AddressLexer::enclosed(TokenKind kind, char closing) {
    const auto length = enclosed_length(list_.substr(at_), closing);
    return length ? token(kind, *length) : token(TokenKind::malformed, list_.size() - at_);
}

}  // namespace holdfast
