// Makes any bytes the text of a message: LF line ends, no CR, no NUL, a last line that ends. Works
// in pieces of any size and gives the same bytes however the input was cut; its own output passes
// through unchanged (but for a lone dot). What it holds back, and gives out with a later piece, is
// a few bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast {

enum class LoneDot : std::uint8_t {
    ends_input,  // a line that is just "." ends the message and is not part of it
    is_text,     // sendmail -i
};

class MessageText {
  public:
    explicit MessageText(LoneDot rule) : rule_(rule) {}

    // CRs in a row that may be part of a line end. Of more the first ones are text: else a gigabyte
    // of them would come out at once, when a letter follows.
    static constexpr std::size_t max_carriage_returns = 100;

    // The text that `input` adds. CRs before a line end vanish, another CR becomes a space, NULs
    // vanish: decided line by line. What comes after a lone dot is ignored.
    std::string feed(std::string_view input);

    // What is left when the input has ended: a line end where the last line has none.
    std::string finish();

    // A lone dot has ended the message: nothing more need be read.
    bool ended() const { return ended_; }

  private:
    void take(char c, std::string& text);
    void take_line_end(std::string& text);
    void release_held(std::string& text);

    LoneDot rule_;
    bool ended_ = false;
    bool line_is_empty_ = true;         // nothing of this line has been given out or held
    bool dot_held_ = false;             // the line so far is a dot
    std::size_t carriage_returns_ = 0;  // held: they may turn out to end the line
};

}  // namespace holdfast
