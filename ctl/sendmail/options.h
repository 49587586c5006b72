// What the command line asks for. sendmail's options are a language of their own that fifty years
// of callers speak: every letter is one line of a table (options.cpp). Nothing is opened, and no
// environment is read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ctl/client/outcome.h"
#include "queue/envelope.h"
#include "smtpd/base/message_id.h"
#include "smtpd/mail/completion.h"
#include "smtpd/mail/message_text.h"

namespace holdfast::sendmail {

enum class Mode : std::uint8_t {
    submit,       // -bm, the default: a message on standard input
    print_queue,  // -bp, mailq
    flush,        // -q, runq
    aliases,      // -bi, newaliases
    nothing,      // forms that once did something: success
    help,
    version,
};

enum class Verbosity : std::uint8_t { silent, names_id };
enum class RecipientSource : std::uint8_t { operands, header_too };

struct Options {
    Mode mode = Mode::submit;
    RecipientSource recipient_source = RecipientSource::operands;  // -t: header_too
    LoneDot lone_dot = LoneDot::ends_input;                        // -i: is_text
    HeaderWork header_work = HeaderWork::complete;                 // -G: keep
    Verbosity verbosity = Verbosity::silent;                       // -v
    std::optional<std::string> sender;  // -f: "local@domain", "local", or empty: the null sender
    std::string full_name;              // -F, control bytes made spaces
    bool eight_bit = false;             // -B8BITMIME
    std::uint32_t hops = 0;             // -h
    std::uint8_t notify = notify_default;
    Return ret = Return::unspecified;
    std::string envid;
    std::vector<MessageId> flushed;     // -qI; none: all
    std::vector<std::string> operands;  // as they came
};

// The name that this program was called by, where it is one of its own: what its messages begin
// with. Else "sendmail".
std::string_view own_name(std::span<const std::string_view> arguments);

// `arguments` with the program's name in front, by which it is known what it was called for.
Attempt<Options> parse_options(std::span<const std::string_view> arguments);

}  // namespace holdfast::sendmail
