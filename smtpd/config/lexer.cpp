#include "smtpd/config/lexer.h"

#include "smtpd/base/quote.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t';
}

class Lexer {
  public:
    explicit Lexer(std::string_view line) : line_(line) {}

    std::expected<std::vector<Word>, Fault> words() {
        std::vector<Word> words;
        while (skip_to_word()) {
            const std::size_t begin = at_;
            auto text = line_[at_] == '"' ? quoted_word() : bare_word();
            if (!text) return std::unexpected(std::move(text.error()));
            words.push_back({std::move(*text), static_cast<std::uint32_t>(begin + 1),
                             static_cast<std::uint32_t>(at_ - begin)});
        }
        return words;
    }

  private:
    using Text = std::expected<std::string, Fault>;

    static std::unexpected<Fault> fault(std::size_t at, std::size_t length, std::string message,
                                        std::string expected) {
        return std::unexpected(fault_at(at, length, std::move(message), std::move(expected)));
    }

    std::unexpected<Fault> control_byte() const {
        const std::string byte = escaped(line_.substr(at_, 1));
        return fault(at_, 1, "control byte " + byte + " in a word", "printable text");
    }

    bool skip_to_word() {
        while (at_ < line_.size() && is_space(line_[at_])) ++at_;
        return at_ < line_.size() && line_[at_] != '#';
    }

    Text bare_word() {
        const std::size_t begin = at_;
        for (; at_ < line_.size() && !is_space(line_[at_]); ++at_) {
            if (ascii::is_control(line_[at_])) return control_byte();
            if (line_[at_] == '"') {
                return fault(at_, 1, "quotation mark inside a word",
                             "the whole word between quotation marks");
            }
        }
        return std::string(line_.substr(begin, at_ - begin));
    }

    Text quoted_word() {
        const std::size_t begin = at_++;
        std::string text;
        for (; at_ < line_.size() && line_[at_] != '"'; ++at_) {
            if (line_[at_] == '\\') {
                const std::string_view next = line_.substr(at_ + 1, 1);
                if (next != "\"" && next != "\\") {
                    return fault(at_, 1 + next.size(), "unknown escape in a quoted word",
                                 "\\\" or \\\\");
                }
                ++at_;
            }
            if (ascii::is_control(line_[at_])) return control_byte();
            text.push_back(line_[at_]);
        }
        if (at_ >= line_.size()) return std::unexpected(never_closed(line_, begin));
        ++at_;
        if (at_ < line_.size() && !is_space(line_[at_])) {
            return fault(at_, 1, "no space after a quoted word", "a space or the end of the line");
        }
        return text;
    }

    std::string_view line_;
    std::size_t at_ = 0;
};

}  // namespace

Word part_of(const Word& word, std::string_view piece) {
    if (word.length != word.text.size()) return {std::string(piece), word.column, word.length};
    const auto offset = static_cast<std::uint32_t>(piece.data() - word.text.data());
    return {std::string(piece), word.column + offset, static_cast<std::uint32_t>(piece.size())};
}

Fault fault_of(const Word& word, std::string message, std::string expected,
               std::string suggestion) {
    return {word.column, word.length, std::move(message), std::move(expected),
            std::move(suggestion)};
}

Fault fault_at(std::size_t at, std::size_t length, std::string message, std::string expected) {
    return {static_cast<std::uint32_t>(at + 1), static_cast<std::uint32_t>(length),
            std::move(message), std::move(expected)};
}

Fault never_closed(std::string_view line, std::size_t at) {
    return fault_at(at, line.size() - at, "quotation mark is never closed",
                    "a second quotation mark on the same line");
}

std::expected<std::vector<Word>, Fault> lex_line(std::string_view line) {
    if (line.size() > max_line) {
        return std::unexpected(fault_at(max_line, 1,
                                        "line of " + std::to_string(line.size()) + " bytes",
                                        "at most " + std::to_string(max_line) + " bytes"));
    }
    return Lexer(line).words();
}

}  // namespace holdfast::config
