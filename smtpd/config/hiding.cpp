#include "smtpd/config/hiding.h"

#include <algorithm>
#include <array>

#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

constexpr std::string_view stars = "********";
constexpr std::string_view spaces = " \t";
constexpr std::array<std::string_view, 4> secret_words{"secret", "password", "passwd", "pass"};
constexpr std::array<std::string_view, 5> behind_token{"connections", "secret", "source", "tls",
                                                       "user"};

// Whether `text`, which follows `token`, goes on with the statement.
bool goes_on(std::string_view text) {
    const std::string_view word = text.substr(0, text.find_first_of(spaces));
    return text.starts_with('#') || std::ranges::find(behind_token, word) != behind_token.end();
}

bool names_file(std::string_view text) {
    return text.starts_with("file:") || text.starts_with("\"file:");
}

// From `begin` on; a few stars whatever the length, which is nobody's business either.
void hide_rest(std::string& line, std::size_t begin) {
    const std::size_t length = line.size();
    line.replace(begin, std::string::npos, stars);
    line.resize(std::max(line.size(), length), ' ');
}

class Hiding {
  public:
    explicit Hiding(std::string_view line) : line_(line) {}

    std::string result() {
        while (next_word()) {
            hide_in_url();
            if (const std::size_t begin = secret_begin(); begin != std::string::npos) {
                hide_rest(line_, begin);
                break;
            }
        }
        return std::move(line_);
    }

  private:
    bool next_word() {
        begin_ = line_.find_first_not_of(spaces, end_);
        if (begin_ == std::string::npos) return false;
        end_ = std::min(line_.find_first_of(spaces, begin_), line_.size());
        return true;
    }

    // What is left of the line, from the next word on.
    std::string_view rest() const {
        const std::size_t begin = line_.find_first_not_of(spaces, end_);
        if (begin == std::string::npos) return {};
        return std::string_view(line_).substr(begin);
    }

    // "smtps://me:password@host": what stands in front of the "@", where a colon is in it. And
    // what stands behind a question mark.
    void hide_in_url() {
        const std::size_t scheme = line_.find("://", begin_);
        const bool is_url = scheme < end_;
        const std::size_t from = is_url ? scheme + 3 : begin_;
        const std::size_t at = line_.rfind('@', end_ - 1);
        if (at != std::string::npos && at > from && line_.find(':', from) < at) hide(from, at);
        if (const std::size_t query = line_.find('?', from); is_url && query < end_) {
            hide(query, end_);
        }
    }

    void hide(std::size_t begin, std::size_t end) {
        line_.replace(begin, end - begin, end - begin, '*');
    }

    // Where a secret begins that this word announces.
    std::size_t secret_begin() const {
        std::string_view word = std::string_view(line_).substr(begin_, end_ - begin_);
        if (word.starts_with('"')) word.remove_prefix(1);
        const std::size_t length = std::min(word.find_first_of("=:\""), word.size());
        const std::string key = ascii::lower_case(word.substr(0, length));
        const bool is_token = key == "token";
        if (!is_token && std::ranges::find(secret_words, key) == secret_words.end()) {
            return std::string::npos;
        }
        const std::string_view attached = word.substr(std::min(length + 1, word.size()));
        const std::string_view value = attached.empty() ? rest() : attached;
        const bool is_harmless = is_token && attached.empty() ? goes_on(value) : names_file(value);
        if (value.empty() || is_harmless) return std::string::npos;
        return static_cast<std::size_t>(value.data() - line_.data());
    }

    std::string line_;
    std::size_t begin_ = 0;  // of the word
    std::size_t end_ = 0;
};

}  // namespace

std::string without_secrets(std::string_view line) {
    return Hiding(line).result();
}

}  // namespace holdfast::config
