// The first of two readings of a message: what it holds, part by part (message_facts.h). Keeps a
// line and a header field at most.
#pragma once

#include <cstddef>
#include <string_view>

#include "smtpd/relay/eight_bit.h"
#include "smtpd/relay/line_cutter.h"
#include "smtpd/relay/message_facts.h"
#include "smtpd/relay/mime_reader.h"

namespace holdfast::relay {

class BodyAnalysis {
  public:
    // LF line ends.
    void feed(std::string_view text);
    MessageFacts finish();

  private:
    void take(const LinePart& line);
    void note(const MimeEvent& event, const LinePart& line);
    void note_head(PartFacts& facts) const;
    void note_text(const MimeEvent& event, const LinePart& line);
    PartFacts& facts_of(std::size_t part);

    LineCutter cutter_;
    MimeReader reader_;
    MessageFacts facts_;
    Utf8Check utf8_;           // of the text that is being read
    std::size_t text_of_ = 0;  // the part that it belongs to
};

}  // namespace holdfast::relay
