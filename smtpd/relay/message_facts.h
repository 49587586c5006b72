// What a message holds that not every server takes, and what follows from it for one of them.
// Facts are about the message alone: one reading serves every server that is tried.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "smtpd/relay/mime_reader.h"

namespace holdfast::relay {

// What a server takes.
enum class Octets : std::uint8_t {
    seven_bit,       // nothing above 0x7f
    eight_bit_body,  // 8BITMIME (RFC 6152): anywhere but in the message's own header
    utf8,            // MAIL FROM said SMTPUTF8 (RFC 6531): everywhere
};

struct PartFacts {
    Shape shape = Shape::unread;
    bool has_parts = false;         // a multipart in which a delimiter was found
    bool declared_wide = false;     // Content-Transfer-Encoding: 8bit or binary
    bool header_eight_bit = false;  // bytes above 0x7f
    bool header_long_line = false;  // over max_line bytes
    bool large_eight_bit = false;   // bytes above 0x7f in a field over FieldCollector::max_field
    bool text_eight_bit = false;    // in its own text: not in that of its parts
    bool text_long_line = false;
    bool text_utf8 = true;  // all of it
};

struct MessageFacts {
    std::vector<PartFacts> parts;  // in the order of MimeEvent::part; at most max_parts + 1

    bool header_eight_bit() const;  // in the message's own header
    bool body_eight_bit() const;    // anywhere else
    bool long_lines() const;
};

// Whether the text of a part, or fields of its header, have to be encoded.
bool encodes_text(const PartFacts& part, Octets octets);
bool encodes_fields(const MessageFacts& facts, std::size_t part, Octets octets);

// Whether anything of the message has to change. Where nothing has to, it goes as it is.
bool needs_conversion(const MessageFacts& facts, Octets octets);

// Why the message cannot be made fit for the server; nothing where it can.
struct Obstacle {
    enum class What : std::uint8_t {
        eight_bit,  // a server with 8BITMIME, or SMTPUTF8, would do
        long_line,  // none would: SMTP has no longer lines
    };
    What what = What::eight_bit;
    std::string text;  // for people: what stands where
};

std::optional<Obstacle> obstacle(const MessageFacts& facts, Octets octets);

}  // namespace holdfast::relay
