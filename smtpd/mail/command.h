// SMTP commands as a client writes them (RFC 5321 section 4.1). What a command means, and whether
// it may come now, is the session's business.
//
// Tolerated, because common senders do it and nothing hangs on it: letters of any case, white
// space at the end of a line, and spaces between the colon of MAIL FROM: or RCPT TO: and the path.
// Not tolerated: a path without its angle brackets, anything between the brackets that is no
// mailbox, control bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace holdfast {

enum class Verb : std::uint8_t {
    helo,
    ehlo,
    mail,
    rcpt,
    data,
    rset,
    noop,
    quit,
    vrfy,
    starttls,
    help,
    not_offered,  // known from an RFC, not to this server: 502
    foreign,      // another protocol's: a browser was led here to speak for someone
    unknown,
};

// Views point into the line that was parsed.
struct Command {
    Verb verb = Verb::unknown;
    std::string_view argument;  // without white space around it
};

Command parse_command(std::string_view line);

// KEYWORD or KEYWORD=VALUE behind a path.
struct Parameter {
    std::string_view keyword;
    std::string_view value;  // empty where there is none
};

// FROM:<path> or TO:<path> and its parameters.
struct PathArgument {
    std::string_view path;  // between the brackets, a source route removed; empty for <>
    std::vector<Parameter> parameters;
};

// The argument of MAIL or RCPT; `word` is "FROM" or "TO". Nothing where the syntax is broken: also
// where a keyword comes twice.
std::optional<PathArgument> parse_path_argument(std::string_view argument, std::string_view word);

// What HELO and EHLO may give: a domain as far as its characters go (a name with an underscore is
// common), or an address literal. At most 255 bytes.
bool is_helo_name(std::string_view text);

}  // namespace holdfast
