#include "smtpd/relay/phrase_encoding.h"

#include <algorithm>
#include <vector>

#include "smtpd/mail/address_lexer.h"
#include "smtpd/mail/ascii.h"
#include "smtpd/relay/eight_bit.h"
#include "smtpd/relay/encoded_words.h"

namespace holdfast::relay {

namespace {

// Backslashes resolved, line ends of folding gone.
std::string plain(std::string_view text) {
    std::string out;
    bool escaped = false;
    for (const char c : text) {
        escaped = c == '\\' && !escaped;
        if (!escaped && c != '\n' && c != '\r') out.push_back(c);
    }
    return out;
}

class ListEncoder {
  public:
    ListEncoder(std::string_view value, std::size_t column, Phrases phrases)
        : value_(value), column_(column), phrases_(phrases) {
        AddressLexer lexer(value);
        do {
            tokens_.push_back(lexer.next());
        } while (tokens_.back().kind != TokenKind::end);
    }

    std::optional<std::string> encode() {
        bool in_angle = false;
        for (std::size_t i = 0; i < tokens_.size();) {
            const std::size_t end = in_angle ? i : end_of_phrase(i);
            if (!has_eight_bit(raw(i, std::max(end, i + 1)))) {
                for (const std::size_t stop = std::max(end, i + 1); i < stop; ++i) append_token(i);
            } else if (end > i && phrases_ == Phrases::encoded && !touches_at(i, end)) {
                append_phrase(i, end);
                i = end;
            } else {
                return std::nullopt;
            }
            if (tokens_[i - 1].is('<')) in_angle = true;
            if (tokens_[i - 1].is('>')) in_angle = false;
        }
        return std::move(out_);
    }

  private:
    // Of words with nothing but white space between them; `begin` where there is none.
    std::size_t end_of_phrase(std::size_t begin) const {
        std::size_t end = begin;
        while (is_word(end) && (end == begin || is_space(gap(end)))) ++end;
        return end;
    }

    bool is_word(std::size_t i) const {
        return tokens_[i].kind == TokenKind::atom || tokens_[i].kind == TokenKind::quoted;
    }

    static bool is_space(std::string_view gap) {
        return !gap.empty() && ascii::trimmed(gap).empty();
    }

    bool touches_at(std::size_t begin, std::size_t end) const {
        return (begin > 0 && tokens_[begin - 1].is('@')) || tokens_[end].is('@');
    }

    void append_token(std::size_t i) {
        append_gap(i);
        out_.append(raw(i, i + 1));
    }

    void append_gap(std::size_t i) {
        const std::string_view text = gap(i);
        if (has_eight_bit(text)) {
            out_ += encoded_comments(text, column_behind(out_, column_));
        } else {
            out_.append(text);
        }
    }

    // RFC 2047 section 5, rule 3: white space stands on both sides.
    void append_phrase(std::size_t begin, std::size_t end) {
        std::vector<Word> words;
        for (std::size_t i = begin; i < end; ++i) words.push_back({gap(i), raw(i, i + 1), text(i)});
        if (!is_space(gap(begin))) {
            append_gap(begin);
            words.front().space = begin > 0 && has_eight_bit(words.front().raw) ? " " : "";
        }
        out_ += encoded(words, column_behind(out_, column_));
        const std::string_view rest = value_.substr(tokens_[end - 1].end);
        const bool apart = rest.empty() || ascii::is_space(rest.front());
        if (has_eight_bit(words.back().raw) && !apart) out_.push_back(' ');
    }

    // What a word means.
    std::string text(std::size_t i) const {
        const std::string_view word = raw(i, i + 1);
        if (tokens_[i].kind != TokenKind::quoted) return std::string(word);
        return plain(word.substr(1, word.size() - 2));
    }

    std::string_view raw(std::size_t begin, std::size_t end) const {
        return value_.substr(tokens_[begin].begin, tokens_[end - 1].end - tokens_[begin].begin);
    }

    // Before a token.
    std::string_view gap(std::size_t i) const {
        const std::size_t begin = i == 0 ? 0 : tokens_[i - 1].end;
        return value_.substr(begin, tokens_[i].begin - begin);
    }

    std::string_view value_;
    std::size_t column_;
    Phrases phrases_;
    std::vector<Token> tokens_;  // the last one is the end
    std::string out_;
};

}  // namespace

std::string encoded_comments(std::string_view text, std::size_t column) {
    std::string out;
    while (!text.empty()) {
        std::size_t length = 0;
        while (length < text.size() && text[length] != '(' && text[length] != ')') {
            length += text[length] == '\\' ? std::size_t{2} : std::size_t{1};
        }
        length = std::min(length, text.size());
        const std::string_view inside = text.substr(0, length);
        if (has_eight_bit(inside)) {
            std::vector<Word> words = words_of(inside);
            for (Word& word : words) word.text = plain(word.text);
            out += encoded(words, column_behind(out, column));
        } else {
            out.append(inside);
        }
        out.append(text.substr(length, 1));
        text.remove_prefix(std::min(length + 1, text.size()));
    }
    return out;
}

std::optional<std::string> encoded_list(std::string_view value, std::size_t column,
                                        Phrases phrases) {
    return ListEncoder(value, column, phrases).encode();
}

}  // namespace holdfast::relay
