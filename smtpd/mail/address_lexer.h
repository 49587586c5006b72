// The words of an address list: what lies between its separators, comments skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace holdfast {

enum class TokenKind : std::uint8_t {
    atom,       // a run without specials: dots and bytes above 0x7f included
    quoted,     // "..." with its quotes
    literal,    // [...] with its brackets
    special,    // one of < > @ : ; ,
    malformed,  // an unclosed quote, bracket or comment; a stray one; a control byte
    end,
};

struct Token {
    TokenKind kind = TokenKind::end;
    std::size_t begin = 0;  // offsets in the list
    std::size_t end = 0;
    char symbol = '\0';         // of a special
    bool space_before = false;  // white space or a comment

    bool is(char special) const { return kind == TokenKind::special && symbol == special; }
};

// Bytes of white space and comments at the front of `text`; a comment that nothing closes is none.
std::size_t blank_length(std::string_view text);

class AddressLexer {
  public:
    explicit AddressLexer(std::string_view list) : list_(list) {}

    Token next();
    // What next() will give.
    Token peek() const { return AddressLexer(*this).next(); }

  private:
    bool skip_space();
    Token token(TokenKind kind, std::size_t length);
    Token enclosed(TokenKind kind, char closing);

    std::string_view list_;
    std::size_t at_ = 0;
};

}  // namespace holdfast
