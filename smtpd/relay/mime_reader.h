// The structure of a message that comes line by line (RFC 2045, 2046): which part a line belongs
// to, and what it is there. Looks into multiparts and attached messages, but not into what is
// signed or encrypted, where nothing may change. Bounded: max_parts, max_nesting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/relay/content_fields.h"
#include "smtpd/relay/field_collector.h"
#include "smtpd/relay/line_cutter.h"

namespace holdfast::relay {

// What a part is, as far as its transfer encoding goes.
enum class Shape : std::uint8_t {
    unread,            // behind max_parts or max_nesting: its header is taken for text as well
    text,              // readable as quoted-printable
    data,              // anything else that has no parts
    quoted_printable,  // is encoded already, whatever it holds
    base64,
    multipart,  // its own text is what stands before, behind and, wrongly, without its parts
    message,    // has no text of its own
    sealed,     // signed or encrypted (RFC 1847), or to be 7bit by its definition
};

// What the header of a part says.
struct PartHead {
    bool of_message = false;  // the message's own, or that of an attached one
    bool has_mime_version = false;
    bool has_type = false;
    bool has_encoding = false;
    ContentType type = {};
    TransferEncoding encoding = TransferEncoding::seven_bit;
};

struct MimeEvent {
    enum class Kind : std::uint8_t {
        header,      // the line belongs to a field that goes on
        passed,      // `bytes` of the header that are too many to be a field
        field,       // `bytes`: one that has ended; the line is to be given again
        header_end,  // the header has ended; the line is to be given again
        blank_line,  // the one behind the header
        delimiter,   // of the multipart `part`
        text,        // of `part`
    };
    Kind kind = Kind::text;
    std::size_t part = 0;  // the message is 0; parts count in the order of their headers
    std::string bytes;
    bool text_follows = false;  // of header_end: at once, for there is no blank line

    bool takes_line() const { return kind != Kind::field && kind != Kind::header_end; }
};

class MimeReader {
  public:
    static constexpr std::size_t max_parts = 1000;
    static constexpr std::size_t max_nesting = 50;

    // What `line` is. To be called with the same line again until an event takes it.
    MimeEvent take(const LinePart& line);

    // At the end of the text: an event that takes no line. To be called until it gives nothing.
    std::optional<MimeEvent> finish();

    // Of the part that header_end was told of last.
    const PartHead& head() const { return head_; }
    Shape shape() const { return shape_; }

  private:
    enum class At : std::uint8_t { header, header_end, text };
    struct Open {
        std::string boundary;
        std::size_t part = 0;
        bool digest = false;
    };

    MimeEvent event(MimeEvent::Kind kind, std::string bytes = {}) const;
    std::optional<MimeEvent> delimiter(const LinePart& line);
    MimeEvent take_header(const LinePart& line);
    MimeEvent take_field(std::string bytes);
    MimeEvent cut_header();
    MimeEvent end_header();
    void enter_body();
    void begin_part(HeaderOf whose);
    Shape shape_of_part() const;

    At at_ = At::header;
    std::size_t part_ = 0;   // whose header or text is being read
    std::size_t count_ = 1;  // parts that have begun
    FieldCollector fields_{HeaderOf::message};
    PartHead head_{.of_message = true};
    Shape shape_ = Shape::unread;
    bool digest_ = false;     // the part is one of a multipart/digest
    std::vector<Open> open_;  // multiparts, the outermost first
};

}  // namespace holdfast::relay
