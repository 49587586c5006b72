#include "smtpd/relay/encoded_words.h"

#include <algorithm>
#include <span>

#include "smtpd/base/utf8.h"
#include "smtpd/mail/ascii.h"
#include "smtpd/relay/eight_bit.h"

namespace holdfast::relay {

namespace {

constexpr std::size_t max_word_line = 76;  // RFC 2047 section 2
constexpr std::size_t late_column = 40;    // no encoded word that is cut begins behind it

// The Q encoding as it may stand anywhere (RFC 2047 section 5, rule 3).
std::string q_encoded(std::string_view character) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view bare = "!*+-/";
    std::string out;
    for (const char c : character) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == ' ') {
            out.push_back('_');
        } else if (ascii::is_alphanumeric(c) || (c != '\0' && bare.find(c) != bare.npos)) {
            out.push_back(c);
        } else {
            out.append({'=', digits[byte >> 4], digits[byte & 15]});
        }
    }
    return out;
}

// As many encoded words as it takes; a character is in one of them.
std::string encoded_run(std::string_view text, std::size_t column) {
    const std::string_view charset = charset_of(text);
    const bool utf8 = charset == "utf-8";
    const std::string opening = "=?" + std::string(charset) + "?Q?";
    std::string out = opening;
    column += opening.size();
    while (!text.empty()) {
        const std::string_view character = text.substr(0, utf8 ? character_length(text) : 1);
        text.remove_prefix(character.size());
        const std::string next = q_encoded(character);
        if (column + next.size() + 2 > max_word_line) {
            out.append("?=\n ").append(opening);
            column = 1 + opening.size();
        }
        out.append(next);
        column += next.size();
    }
    return out + "?=";
}

bool needs_encoding(const Word& word) {
    return has_eight_bit(word.raw);
}

bool looks_encoded(const Word& word) {
    return word.raw.starts_with("=?") && word.raw.ends_with("?=") && !needs_encoding(word);
}

// The text of words that are encoded together. Readers drop the white space between encoded words:
// next to one that was there already it becomes part of the text.
std::string text_of(std::span<const Word> words, const Word* before, const Word* behind) {
    std::string text;
    if (before != nullptr && looks_encoded(*before)) text += without_line_ends(words.front().space);
    text += words.front().text;
    for (const Word& word : words.subspan(1)) text += without_line_ends(word.space) + word.text;
    if (behind != nullptr && looks_encoded(*behind)) text += without_line_ends(behind->space);
    return text;
}

// Knows where in its line the next byte goes.
class FieldText {
  public:
    explicit FieldText(std::size_t column) : column_(column) {}

    void append(std::string_view text) {
        column_ = column_behind(text, column_);
        text_.append(text);
    }

    // Text in encoded words, and the white space before it. What would be cut late in its line
    // begins another: that one fold stands for the white space.
    void append_encoded(std::string_view space, std::string_view text) {
        const std::size_t size = text_.size();
        const std::size_t column = column_;
        append(space);
        std::string run = encoded_run(text, column_);
        const bool fits =
            run.find('\n') == std::string::npos && column_ + run.size() <= max_word_line;
        if (column_ > late_column && !fits) {
            text_.resize(size);
            column_ = column;
            append("\n ");
            run = encoded_run(text, column_);
        }
        append(run);
    }

    const std::string& text() const { return text_; }

  private:
    std::string text_;
    std::size_t column_;
};

}  // namespace

std::vector<Word> words_of(std::string_view text) {
    std::vector<Word> words;
    while (!text.empty()) {
        const auto word = std::ranges::find_if_not(text, ascii::is_space);
        const auto end = std::find_if(word, text.end(), ascii::is_space);
        const std::string_view raw(word, end);
        words.push_back({{text.begin(), word}, raw, std::string(raw)});
        text = std::string_view(end, text.end());
    }
    return words;
}

std::string encoded(const std::vector<Word>& words, std::size_t column) {
    FieldText out(column);
    for (std::size_t i = 0; i < words.size();) {
        if (!needs_encoding(words[i])) {
            out.append(words[i].space);
            out.append(words[i].raw);
            ++i;
            continue;
        }
        std::size_t end = i + 1;
        while (end < words.size() && needs_encoding(words[end])) ++end;
        const Word* before = i > 0 ? &words[i - 1] : nullptr;
        const Word* behind = end < words.size() ? &words[end] : nullptr;
        const std::string text = text_of(std::span(words).subspan(i, end - i), before, behind);
        out.append_encoded(words[i].space, text);
        i = end;
    }
    return out.text();
}

std::size_t column_behind(std::string_view text, std::size_t column) {
    const std::size_t end = text.rfind('\n');
    return end == std::string_view::npos ? column + text.size() : text.size() - end - 1;
}

std::string without_line_ends(std::string_view text) {
    std::string out(text);
    std::erase_if(out, [](char c) { return c == '\n' || c == '\r'; });
    return out;
}

std::string_view charset_of(std::string_view text) {
    return is_utf8(text) ? "utf-8" : "unknown-8bit";
}

}  // namespace holdfast::relay
