#include "smtpd/mail/address_list.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <span>

#include "smtpd/mail/address.h"
#include "smtpd/mail/address_lexer.h"

namespace holdfast {

namespace {

using Tokens = std::span<const Token>;
using Addresses = std::vector<ListedAddress>;

// No mailbox has a display name of so many words. Bounds the memory that a list can ask for.
constexpr std::size_t max_tokens = 1000;

bool is_word(const Token& token) {
    return token.kind == TokenKind::atom || token.kind == TokenKind::quoted;
}

auto is_symbol(char symbol) {
    return [symbol](const Token& token) { return token.is(symbol); };
}

// Cuts a list into pieces and groups, and reads each piece.
class ListReader {
  public:
    ListReader(std::string_view list, BareWords bare_words)
        : list_(list), bare_words_(bare_words), lexer_(list) {}

    AddressList read() {
        while (true) {
            const Token token = lexer_.next();
            if (token.kind == TokenKind::end) break;
            take(token);
        }
        finish_piece();
        if (in_group_) finish_open_group();
        return std::move(result_);
    }

  private:
    void take(const Token& token) {
        if (token.is(',') && !separates_hops()) {
            finish_piece();
        } else if (token.is(';')) {
            finish_piece();
            in_group_ = false;
        } else if (token.is(':') && is_group_name()) {
            in_group_ = true;
            group_begin_ = piece_.front().begin;
            piece_.clear();
            in_route_ = false;
        } else {
            add(token);
        }
    }

    // In "<@a,@b:user@c>" the comma is part of the source route.
    bool separates_hops() const {
        if (!in_route_) return false;
        const Token following = lexer_.peek();
        return following.is('@') || following.is(',');
    }

    bool is_group_name() const {
        return !in_group_ && !malformed_ && !piece_.empty() && std::ranges::all_of(piece_, is_word);
    }

    void add(const Token& token) {
        const bool stray_colon = token.is(':') && !in_route_;
        if (token.kind == TokenKind::malformed || stray_colon) malformed_ = true;
        if (token.is('@') && !piece_.empty() && piece_.back().is('<')) in_route_ = true;
        if (token.is(':') || token.is('>')) in_route_ = false;
        if (piece_.size() < max_tokens) {
            piece_.push_back(token);
        } else {
            malformed_ = true;
            piece_.back().end = token.end;
        }
    }

    void finish_piece() {
        if (!piece_.empty()) {
            auto addresses = malformed_ ? std::nullopt : read_piece();
            if (addresses) {
                std::ranges::move(*addresses, std::back_inserter(result_.addresses));
            } else {
                give_back(piece_.front().begin, piece_.back().end);
            }
        }
        piece_.clear();
        malformed_ = false;
        in_route_ = false;
    }

    // "list: a, b" without its ";" does little harm in a header; in an operand it may as well be
    // "smtp:host", which names nobody.
    void finish_open_group() {
        if (bare_words_ == BareWords::recipients) give_back(group_begin_, list_.size());
    }

    void give_back(std::size_t begin, std::size_t end) {
        result_.unreadable.emplace_back(list_.substr(begin, end - begin));
    }

    // What the piece names; nothing where any part of it can't be read.
    std::optional<Addresses> read_piece() const {
        const Tokens piece = piece_;
        if (std::ranges::any_of(piece, is_symbol('<')) ||
            std::ranges::any_of(piece, is_symbol('>'))) {
            return read_angle(piece);
        }
        // White space may stand around the "@", but only where nothing else is in the piece: in
        // "meet @ noon" and more words it would make an address of fragments.
        if (piece.size() == 3 && piece[1].is('@')) return only(read_mailbox(piece));
        return read_words(piece);
    }

    static std::optional<Addresses> only(std::optional<ListedAddress> address) {
        if (!address) return std::nullopt;
        return Addresses{std::move(*address)};
    }

    // Any name, then <local@domain> or <@route:local@domain> at the end.
    std::optional<Addresses> read_angle(Tokens piece) const {
        const auto open = std::ranges::find_if(piece, is_symbol('<'));
        const auto close = std::ranges::find_if(piece, is_symbol('>'));
        if (open == piece.end() || close == piece.end() || close < open) return std::nullopt;
        if (std::next(close) != piece.end()) return std::nullopt;
        Tokens inner(std::next(open), close);
        if (!inner.empty() && inner.front().is('@')) {
            const auto colon = std::ranges::find_if(inner, is_symbol(':'));
            if (colon == inner.end()) return std::nullopt;
            inner = Tokens(std::next(colon), inner.end());
        }
        return only(read_mailbox(inner));
    }

    std::optional<Addresses> read_words(Tokens piece) const {
        const bool explicit_addresses = std::ranges::any_of(piece, is_symbol('@'));
        Addresses addresses;
        std::size_t words = 0;
        while (!piece.empty()) {
            const Tokens word = first_word(piece);
            piece = piece.subspan(word.size());
            ++words;
            if (explicit_addresses && std::ranges::none_of(word, is_symbol('@'))) continue;
            auto address = read_mailbox(word);
            if (!address) return std::nullopt;
            addresses.push_back(std::move(*address));
        }
        const bool several_names = words > 1 && !explicit_addresses;
        if (several_names && bare_words_ == BareWords::unreadable) return std::nullopt;
        return addresses;
    }

    // Tokens with no white space between them.
    static Tokens first_word(Tokens piece) {
        std::size_t length = 1;
        while (length < piece.size() && !piece[length].space_before) ++length;
        return piece.first(length);
    }

    std::optional<ListedAddress> read_mailbox(Tokens tokens) const {
        if (tokens.empty() || !is_word(tokens.front())) return std::nullopt;
        ListedAddress address;
        address.text = text(tokens.front());
        address.local_end = tokens.front().end;
        if (tokens.size() == 1) {
            if (!is_local_name(address.text)) return std::nullopt;
            return address;
        }
        if (tokens.size() != 3 || !tokens[1].is('@')) return std::nullopt;
        address.text.append("@").append(text(tokens[2]));
        address.has_domain = true;
        address.domain_begin = tokens[2].begin;
        address.domain_end = tokens[2].end;
        if (!Address::parse(address.text)) return std::nullopt;
        return address;
    }

    // What means a command, a file or a list in an alias file is nobody's name here.
    static bool is_local_name(std::string_view name) {
        const auto address = Address::parse_with_origin(name, "localhost");
        if (!address || address->domain() != "localhost") return false;
        const std::string plain = address->mailbox_name();
        return !plain.starts_with('|') && !plain.starts_with('/') && !plain.starts_with(':');
    }

    std::string_view text(const Token& token) const {
        return list_.substr(token.begin, token.end - token.begin);
    }

    std::string_view list_;
    BareWords bare_words_;
    AddressLexer lexer_;
    AddressList result_;
    std::vector<Token> piece_;
    bool malformed_ = false;
    bool in_route_ = false;  // between "<@" and ":"
    bool in_group_ = false;
    std::size_t group_begin_ = 0;
};

}  // namespace

AddressList parse_address_list(std::string_view list, BareWords bare_words) {
    return ListReader(list, bare_words).read();
}

}  // namespace holdfast
