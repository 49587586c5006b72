// Text as quoted-printable (RFC 2045 section 6.7). Lines of 76 bytes at most; line ends stay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::relay {

class QuotedPrintable {
  public:
    enum class Input : std::uint8_t {
        text,
        encoded,  // is quoted-printable, with bytes and lines that it may not have
    };

    explicit QuotedPrintable(Input input) : input_(input) {}

    // A blank is held back: it may turn out to end its line.
    std::string feed(std::string_view text);
    std::string finish();

  private:
    void take(char c);
    void take_encoded(char c);
    void end_blank();
    void put(std::string_view unit);
    void break_line();

    Input input_;
    std::string out_;
    std::size_t column_ = 0;
    bool broken_ = false;     // the line began behind a soft line break
    std::string blank_;       // the one that is held back
    std::size_t escape_ = 0;  // bytes of "=C3" in the input that are still to come
};

}  // namespace holdfast::relay
