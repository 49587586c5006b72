#include "smtpd/config/lexer.h"

#include <optional>

#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

bool is_space(char c) {
    return c == ' ' || c == '\t';
}

std::unexpected<Fault> fault(std::size_t at, std::size_t length, std::string message,
                             std::string expected) {
    return std::unexpected(Fault{static_cast<std::uint32_t>(at + 1),
                                 static_cast<std::uint32_t>(length), std::move(message),
                                 std::move(expected)});
}

std::unexpected<Fault> control_byte(std::size_t at, char c) {
    const auto byte = static_cast<unsigned char>(c);
    const std::string hex{'0', 'x', hex_digits[byte >> 4], hex_digits[byte & 15]};
    return fault(at, 1, "control byte " + hex + " in a word", "printable text");
}

class Lexer {
  public:
    explicit Lexer(std::string_view line) : line_(line) {}

    std::expected<std::vector<Word>, Fault> words() {
        std::vector<Word> words;
        while (skip_to_word()) {
            auto word = line_[at_] == '"' ? quoted_word() : bare_word();
            if (!word) return std::unexpected(std::move(word.error()));
            words.push_back(std::move(*word));
        }
        return words;
    }

  private:
    bool skip_to_word() {
        while (at_ < line_.size() && is_space(line_[at_])) ++at_;
        return at_ < line_.size() && line_[at_] != '#';
    }

    Word word_from(std::size_t begin, std::string text) const {
        return {std::move(text), static_cast<std::uint32_t>(begin + 1),
                static_cast<std::uint32_t>(at_ - begin)};
    }

    std::expected<Word, Fault> bare_word() {
        const std::size_t begin = at_;
        for (; at_ < line_.size() && !is_space(line_[at_]); ++at_) {
            if (ascii::is_control(line_[at_])) return control_byte(at_, line_[at_]);
            if (line_[at_] == '"') {
                return fault(at_, 1, "quotation mark inside a word",
                             "the whole word between quotation marks");
            }
        }
        return word_from(begin, std::string(line_.substr(begin, at_ - begin)));
    }

    std::expected<Word, Fault> quoted_word() {
        const std::size_t begin = at_++;
        std::string text;
        for (; at_ < line_.size() && line_[at_] != '"'; ++at_) {
            if (line_[at_] == '\\') {
                if (const auto bad = escape()) return std::unexpected(*bad);
            }
            if (ascii::is_control(line_[at_])) return control_byte(at_, line_[at_]);
            text.push_back(line_[at_]);
        }
        if (at_ >= line_.size()) {
            return fault(begin, line_.size() - begin, "quotation mark is never closed",
                         "a second quotation mark on the same line");
        }
        ++at_;
        if (at_ < line_.size() && !is_space(line_[at_])) {
            return fault(at_, 1, "no space after a quoted word", "a space or the end of the line");
        }
        return word_from(begin, std::move(text));
    }

    // Steps over a backslash onto the byte that it protects.
    std::optional<Fault> escape() {
        const std::string_view rest = line_.substr(at_ + 1, 1);
        if (rest == "\"" || rest == "\\") {
            ++at_;
            return std::nullopt;
        }
        return fault(at_, 1 + rest.size(), "unknown escape in a quoted word", "\\\" or \\\\")
            .error();
    }

    std::string_view line_;
    std::size_t at_ = 0;
};

}  // namespace

std::expected<std::vector<Word>, Fault> lex_line(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > max_line) {
        return fault(max_line, 1, "line of " + std::to_string(line.size()) + " bytes",
                     "at most " + std::to_string(max_line) + " bytes");
    }
    return Lexer(line).words();
}

}  // namespace holdfast::config
