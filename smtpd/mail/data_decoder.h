// The bytes behind DATA back into the message (RFC 5321 section 4.5.2): dots unstuffed, CR LF
// into LF, up to the line with one dot. Streams: no line is too long, and nothing is kept but a
// state and what the caller has not taken yet.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast {

class DataDecoder {
  public:
    enum class Stage : std::uint8_t {
        body,           // the message goes on
        end,            // the final dot has been read
        bare_line_end,  // a CR or LF alone: nothing behind it can be trusted (F16)
    };

    // Decodes input until it is used up or the stage changes; returns how many bytes it used.
    // Decodes to at most that many bytes.
    std::size_t feed(std::string_view input);

    Stage stage() const { return stage_; }

    // What has been decoded and not been taken.
    std::string take_body() { return std::exchange(body_, {}); }

    // Size as RFC 1870 counts it: line ends are two bytes, stuffed dots are none.
    std::uint64_t wire_size() const { return wire_size_; }
    // NUL is in neither 7bit nor 8bit data (RFC 2045 sections 2.7 and 2.8).
    bool has_nul() const { return has_nul_; }

  private:
    enum class At : std::uint8_t { line_start, dot, dot_cr, text, text_cr };

    std::size_t step(std::string_view input);
    std::size_t take_dot(std::string_view input);
    std::size_t take_text(std::string_view input);
    std::size_t take_newline(char c);
    std::size_t fail();
    void append(std::string_view text);

    std::string body_;
    std::uint64_t wire_size_ = 0;
    Stage stage_ = Stage::body;
    At at_ = At::line_start;
    bool has_nul_ = false;
};

}  // namespace holdfast
