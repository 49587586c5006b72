// How a message looks in a mailbox file, in the mboxrd variant, which can be read back exactly: a
// "From " line, the message with one more ">" in front of every line that is "From " behind any
// number of ">", and a blank line.
#pragma once

#include <string>
#include <string_view>

#include "smtpd/links/qmgr_mda.h"

namespace holdfast::mda {

// "From sender@example.org Sat Nov 21 07:50:18 2026\n", in UTC.
std::string from_line(const links::Deliver& order);

// Quotes a message that comes in pieces.
class MboxQuoter {
  public:
    // The next piece, quoted; up to four bytes are held back until it is clear what they begin.
    std::string quote(std::string_view bytes);

    // What was held back, the end of the last line, and the blank line. Nothing comes after it.
    std::string finish();

  private:
    void begin_line(std::string& out, char next);

    std::size_t matched_ = 0;  // bytes of "From " that are held back
    bool inside_ = false;      // the line can't be a "From " line any more
    bool line_open_ = false;   // the line has at least one byte
};

}  // namespace holdfast::mda
