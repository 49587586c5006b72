// The header of a message as fields, each with its bytes as they came (RFC 5322 section 2.2).
// LF line ends; see message_text.h for how input gets them. Views point into what was given.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast {

struct HeaderField {
    std::string_view name;   // as written, without white space before the colon
    std::string_view value;  // behind the colon, folded as it came, without the last line end
    std::string_view raw;    // all of it, with the last line end where there is one

    bool named(std::string_view other) const;  // without regard to case
    bool blank() const;                        // nothing but white space behind the colon
};

struct SplitMessage {
    std::vector<HeaderField> fields;  // without the mbox lines ("From ", ">From ") before them
    std::string_view body;            // behind the blank line, or from the first line that is none
};

// Takes the field off that `message` begins with, with its continuations; nothing where it begins
// with none.
std::optional<HeaderField> take_field(std::string_view& message);

// Takes the mbox lines off.
void skip_mbox_lines(std::string_view& message);

// The header ends at the first empty line, which belongs to neither part, or before the first line
// that is neither a field nor the continuation of one. A line of white space continues a field.
SplitMessage split_message(std::string_view message);

// Bcc, Resent-Bcc, Return-Path, Content-Length: never to leave this machine.
bool is_private_field(const HeaderField& field);

// The fields without the private ones, each ended by a line end, then a blank line.
std::string public_header(std::span<const HeaderField> fields);

struct HeaderRecipients {
    std::vector<std::string> addresses;   // as parse_address_list() gives them, in order
    std::vector<std::string> unreadable;  // pieces that are no address, as written
};

// Whom the header names (sendmail -t): To, Cc, Bcc and Apparently-To; where a Resent-To, -Cc or
// -Bcc holds an address, those three alone.
HeaderRecipients header_recipients(std::span<const HeaderField> fields);

}  // namespace holdfast
