// The text of a queue file. Pure: text in, values out. holdfast-queue(5) shows it to people.
//
//     first line    fixed width: version, length and CRC of the body, length of the envelope, CRC
//     envelope      "key value" lines and an empty one; words are percent encoded (base/quote.h),
//                   so that no value can end a line or write another field
//     body          as it will go out
//     "\nEND\n"     then the log: lines with a CRC each. Every append begins with an empty line and
//                   ends with a line feed, so that what a crash tears, or leaves as zeros, spoils
//                   neither the line before nor the one after: it is a line that does not count
//
// Parsers are total and bounded: any bytes in, a value or a Flaw out.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "queue/envelope.h"
#include "queue/verdict.h"

namespace holdfast::queue {

enum class Flaw : std::uint8_t {
    damaged,  // not what was written
    newer,    // whole, but written by a later version of Holdfast: leave it alone
};

inline constexpr std::size_t first_line_length = 71;
inline constexpr std::uint64_t max_body = 999'999'999'999;
inline constexpr std::size_t max_envelope = 16 * 1024 * 1024;
inline constexpr std::size_t max_log_line = 1024 * 1024;
inline constexpr std::string_view end_mark = "\nEND\n";

// Where the body stands in its file, and its checksum.
struct BodyPlace {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::uint32_t crc = 0;
    bool operator==(const BodyPlace&) const = default;
};

struct FirstLine {
    std::uint32_t version = 1;
    BodyPlace body;
    std::uint32_t crc = 0;  // over the envelope, then this line up to the CRC
};

// What is needed to append to a log. A value of 12 bytes, kept beside the message in memory; a new
// message's is in its Publication, a stored one's in its Message.
struct LogCursor {
    std::uint32_t seed = 0;    // FirstLine::crc: ties each line to this message
    std::uint32_t next = 1;    // sequence of the next line
    std::uint32_t synced = 0;  // lines 1 to this one are known to be on disk
    bool operator==(const LogCursor&) const = default;
};

// --- The envelope -------------------------------------------------------------------------------

// Envelope lines and the empty line. The time of admission is kept to the millisecond, between
// 1970 and 9999.
std::string encode_envelope(const Envelope& envelope);

// The first line for this envelope text and body. Its CRC is the seed of the log.
struct EncodedFirstLine {
    std::string text;  // first_line_length bytes, line feed included
    std::uint32_t crc = 0;
};
EncodedFirstLine encode_first_line(std::string_view envelope, const BodyPlace& body);

// Only the form is checked: lengths are within bounds, nothing is known of the CRC.
std::optional<FirstLine> parse_first_line(std::string_view bytes);

// Checks the CRC over `bytes` (first line and envelope), then reads the envelope.
std::expected<Envelope, Flaw> parse_envelope(const FirstLine& line, std::string_view bytes);

// --- The log ------------------------------------------------------------------------------------

// A target is what a recipient was expanded to: an address or whatever else qmgr understands, as
// text. The empty target is the recipient itself. Lines name their target, not its number, so each
// line keeps its meaning when a crash has lost another.

// An attempt ended.
struct Attempted {
    std::uint32_t recipient = 0;
    std::string target;
    Outcome outcome;
    static constexpr auto members =
        std::tuple(&Attempted::recipient, &Attempted::target, &Attempted::outcome);
};

// From now on the recipient stands for exactly these targets.
struct Expanded {
    std::uint32_t recipient = 0;
    std::vector<std::string> targets;
    static constexpr auto members = std::tuple(&Expanded::recipient, &Expanded::targets);
};

enum class Notice : std::uint8_t { delay, failure };

// The sender has been, or is about to be, told about these recipients, by this message.
struct Noticed {
    Notice notice = Notice::failure;
    MessageId message;
    std::vector<std::uint32_t> recipients;
    static constexpr auto members =
        std::tuple(&Noticed::notice, &Noticed::message, &Noticed::recipients);
};

using Event = std::variant<Attempted, Expanded, Noticed>;

struct LogEntry {
    std::int64_t time = 0;  // wall clock, milliseconds since 1970
    Event event;
};

struct LogLine {
    std::uint32_t sequence = 0;
    std::uint32_t synced = 0;  // LogCursor::synced when it was written
    LogEntry entry;
};

// With its line feed. Longer than max_log_line: the caller refuses it.
std::string encode_log_line(const LogLine& line, std::uint32_t seed);

// Without line feeds. `damaged` is the usual fate of a torn line.
std::expected<LogLine, Flaw> parse_log_line(std::string_view text, std::uint32_t seed);

}  // namespace holdfast::queue
