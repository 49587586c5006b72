#include "smtpd/relay/server_reply.h"

#include <algorithm>
#include <utility>

#include "smtpd/base/quote.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::relay {

namespace {

constexpr std::size_t max_quoted = 80;  // of a line that is no reply
constexpr std::string_view separator = " / ";
constexpr std::string_view cut_mark = "...";

// RFC 3463 section 2: class "." subject "." detail, of at most three digits each.
std::size_t status_length(std::string_view text) {
    std::size_t at = 1;
    for (int number = 0; number < 2; ++number) {
        if (at >= text.size() || text[at] != '.') return 0;
        const std::size_t first = ++at;
        while (at < text.size() && at - first < 3 && ascii::is_digit(text[at])) ++at;
        if (at == first) return 0;
    }
    return at == text.size() || text[at] == ' ' ? at : 0;
}

// The status that a line begins with; empty where it begins with none of the reply's class.
std::string_view status_of(std::uint16_t code, std::string_view line) {
    if (line.empty() || line.front() != static_cast<char>('0' + code / 100)) return {};
    return line.substr(0, status_length(line));
}

std::unexpected<Error> no_reply(std::string_view line) {
    return plain_error("the server says what is no reply: \"" +
                       escaped(ascii::trimmed(line).substr(0, max_quoted)) + "\"");
}

// As much of a line as is here: what can no longer become a reply need not be waited for, as where
// the server speaks another protocol and never ends a line.
bool may_be_reply(std::string_view line) {
    if (!line.empty() && (line.front() < '2' || line.front() > '5')) return false;
    if (!std::ranges::all_of(line.substr(0, 3), ascii::is_digit)) return false;
    return line.size() < 4 || std::string_view(" -\r").find(line[3]) != std::string_view::npos;
}

std::uint16_t code_of_line(std::string_view line) {
    unsigned code = 0;
    for (const char c : line.substr(0, 3)) code = code * 10 + static_cast<unsigned>(c - '0');
    return static_cast<std::uint16_t>(code);
}

// Between characters, so that what was one is not left in half.
std::string shortened(std::string text) {
    if (text.size() <= max_full_text) return text;
    std::size_t end = max_full_text - cut_mark.size();
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text.resize(end);
    return text.append(cut_mark);
}

}  // namespace

std::string_view enhanced_status(const ServerReply& reply) {
    return reply.lines.empty() ? std::string_view() : status_of(reply.code, reply.lines.front());
}

std::string full_text(const ServerReply& reply) {
    const std::string_view status = enhanced_status(reply);
    std::string text = std::to_string(reply.code);
    for (std::size_t i = 0; i < reply.lines.size() && text.size() <= max_full_text; ++i) {
        std::string_view line = reply.lines[i];
        if (i > 0 && !status.empty() && status_of(reply.code, line) == status) {
            line.remove_prefix(std::min(line.size(), status.size() + 1));
        }
        line = ascii::trimmed(line);
        if (line.empty()) continue;
        text.append(i == 0 ? " " : separator).append(line.substr(0, max_full_text));
    }
    return shortened(harmless(text));
}

// A line ends with LF, with or without the CR that belongs in front of it: some servers leave it
// out, and nothing hangs on it here, where a line is read as a reply or ends the session.
Result<ReplyReader::Taken> ReplyReader::take(std::string_view input) {
    Taken taken;
    while (taken.used < input.size()) {
        const std::string_view rest = input.substr(taken.used);
        const std::size_t newline = rest.find('\n');
        const std::string_view piece = rest.substr(0, newline);
        if (part_.size() + piece.size() >= max_reply_line) {
            return plain_error("the server's reply has a line of more than " +
                               std::to_string(max_reply_line) + " bytes");
        }
        part_.append(piece);
        if (!may_be_reply(part_)) return no_reply(part_);
        taken.used += piece.size();
        if (newline == std::string_view::npos) break;
        ++taken.used;
        if (const auto status = take_line(std::exchange(part_, {})); !status) {
            return status.error().pass();
        }
        if (std::exchange(whole_, false)) {
            taken.reply = std::exchange(reply_, {});
            kept_ = 0;
            break;
        }
    }
    return taken;
}

Status ReplyReader::take_line(std::string_view line) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool last = line.size() == 3 || (line.size() > 3 && line[3] == ' ');
    if (!last && (line.size() < 3 || line[3] != '-')) return no_reply(line);
    const std::uint16_t code = code_of_line(line);
    if (reply_.code != 0 && reply_.code != code) {
        return plain_error("the server's reply has lines of different codes, " +
                           std::to_string(reply_.code) + " and " + std::to_string(code));
    }
    if (reply_.lines.size() == max_reply_lines) {
        return plain_error("the server's reply has more than " + std::to_string(max_reply_lines) +
                           " lines");
    }
    const std::string_view text = line.substr(std::min<std::size_t>(line.size(), 4));
    const std::string_view kept = text.substr(0, max_reply_bytes - kept_);
    reply_.code = code;
    reply_.lines.emplace_back(kept);
    kept_ += kept.size();
    whole_ = last;
    return {};
}

}  // namespace holdfast::relay
