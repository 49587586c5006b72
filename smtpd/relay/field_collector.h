// The fields of a header that comes line by line. Each is handed out whole when the line behind it
// shows that it has ended; one that is too large to keep is passed on as it comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "smtpd/relay/line_cutter.h"

namespace holdfast::relay {

// Whose header it is.
enum class HeaderOf : std::uint8_t {
    message,  // may have mbox lines ("From ", ">From ") before its fields
    part,     // of a multipart
};

class FieldCollector {
  public:
    static constexpr std::size_t max_field = std::size_t{64} * 1024;
    // The colon of a field stands within so many bytes; where it does not, the line is no field.
    static constexpr std::size_t max_name = 900;

    enum class Kind : std::uint8_t {
        kept,    // the part belongs to a field that goes on
        passed,  // the part, with what was kept before it: of a field over the limit or a mbox line
        field,   // one has ended before the part, which is to be given again
        ended,   // the header has, before the part: an empty line or one that is no field
    };

    struct Event {
        Kind kind = Kind::kept;
        std::string bytes;
    };

    explicit FieldCollector(HeaderOf whose) : whose_(whose) {}

    Event take(const LinePart& part);

    // The field that the end of the text ends; empty where none is open.
    std::string finish() { return std::exchange(field_, {}); }

  private:
    enum class At : std::uint8_t { start, mbox_line, field, large_field };

    bool begin_line(const LinePart& part);
    Event add(const LinePart& part);

    HeaderOf whose_;
    At at_ = At::start;
    std::string field_;
};

}  // namespace holdfast::relay
