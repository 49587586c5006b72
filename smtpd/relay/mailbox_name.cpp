#include "smtpd/relay/mailbox_name.h"

#include <algorithm>
#include <vector>

#include "smtpd/mail/address_lexer.h"
#include "smtpd/mail/address_list.h"
#include "smtpd/mail/ascii.h"
#include "smtpd/mail/display_name.h"

namespace holdfast::relay {

namespace {

// Offsets of a mailbox in the value of a field.
struct Place {
    std::size_t begin = 0;
    std::size_t end = 0;
};

std::vector<Token> tokens_of(std::string_view value) {
    std::vector<Token> tokens;
    AddressLexer lexer(value);
    for (Token token = lexer.next(); token.kind != TokenKind::end; token = lexer.next()) {
        tokens.push_back(token);
    }
    return tokens;
}

// Where the address of a single mailbox stands, brackets included; an empty place where the value
// has more to it than a name and an address.
Place address_place(const std::vector<Token>& tokens) {
    const auto open = std::ranges::find_if(tokens, [](const Token& t) { return t.is('<'); });
    for (auto token = tokens.begin(); token != open; ++token) {
        if (token->is(',') || token->is(';') || token->is(':')) return {};
    }
    if (open != tokens.end()) {
        return tokens.back().is('>') ? Place{open->begin, tokens.back().end} : Place{};
    }
    const bool bare = tokens.size() == 1 || (tokens.size() == 3 && tokens[1].is('@'));
    return bare ? Place{tokens.front().begin, tokens.back().end} : Place{};
}

std::string name_and_address(std::string_view name, std::string_view address) {
    const std::string shown = display_name(name);
    std::string value = " ";
    if (shown.empty()) return value.append(address);
    return value.append(shown).append(" <").append(address).append(">");
}

}  // namespace

std::string with_address(std::string_view value, std::string_view address) {
    const AddressList list = parse_address_list(value, BareWords::unreadable);
    if (list.addresses.empty()) return name_and_address(value, address);
    if (list.addresses.size() > 1 || !list.unreadable.empty()) return name_and_address({}, address);
    if (list.addresses.front().text == address) return std::string(value);
    const Place place = address_place(tokens_of(value));
    if (place.end == 0) return name_and_address(value, address);
    const std::string_view front = value.substr(0, place.begin);
    const std::string_view back = value.substr(place.end);
    if (ascii::trimmed(front).empty() && ascii::trimmed(back).empty()) {
        return name_and_address(list.addresses.front().text, address);
    }
    std::string text(front);
    return text.append("<").append(address).append(">").append(back);
}

}  // namespace holdfast::relay
