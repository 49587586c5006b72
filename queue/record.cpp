#include "queue/record.h"

#include <array>
#include <cstdio>

#include "queue/words.h"
#include "smtpd/base/crc32c.h"

namespace holdfast::queue {

template <>
inline constexpr std::array<std::string_view, 2> names_of<Notice>{"delay", "failure"};

namespace {

// In the order of the variant Event.
constexpr std::array<std::string_view, 3> event_names{"attempted", "expanded", "noticed"};

// The first line up to and with the space before its CRC: what the CRC covers.
std::string summed_part(const FirstLine& line) {
    std::array<char, first_line_length + 1> text{};
    std::snprintf(text.data(), text.size(), "holdfast-queue %u body %012llu %08x envelope %08llu ",
                  line.version, static_cast<unsigned long long>(line.body.length), line.body.crc,
                  static_cast<unsigned long long>(line.body.offset - first_line_length));
    return text.data();
}

// Takes the next line off `text` and reads its value; false where it has another key.
template <class Value>
bool take_line(std::string_view& text, std::string_view key, Value& into) {
    const std::size_t end = text.find('\n');
    Words words(text.substr(0, end));
    if (end == std::string_view::npos || words.word() != key) return false;
    auto value = words.value<Value>();
    if (!value || words.more()) return false;
    into = std::move(*value);
    text.remove_prefix(end + 1);
    return true;
}

std::optional<Envelope> parse_lines(std::string_view text) {
    Envelope e;
    bool whole = take_line(text, "id", e.id) && take_line(text, "admitted", e.admitted) &&
                 take_line(text, "source", e.source) && take_line(text, "uid", e.uid) &&
                 take_line(text, "client", e.client) && take_line(text, "helo", e.helo) &&
                 take_line(text, "sender", e.sender) && take_line(text, "body", e.eight_bit) &&
                 take_line(text, "return", e.ret) && take_line(text, "envid", e.envid);
    while (whole && text != "\n") {
        whole = take_line(text, "recipient", e.recipients.emplace_back());
    }
    if (!whole || e.recipients.empty()) return std::nullopt;
    return e;
}

std::optional<Event> read_event(Words& words) {
    const std::string_view name = words.word();
    if (name == event_names[0]) return words.value<Attempted>();
    if (name == event_names[1]) return words.value<Expanded>();
    if (name == event_names[2]) return words.value<Noticed>();
    return std::nullopt;  // a later version's
}

}  // namespace

std::string encode_envelope(const Envelope& e) {
    std::string out;
    const auto line = [&out](std::string_view key, const auto& value) {
        out.append(key);
        append_words(out, value);
        out.append("\n");
    };
    line("id", e.id);
    line("admitted", e.admitted);
    line("source", e.source);
    line("uid", e.uid);
    line("client", e.client);
    line("helo", e.helo);
    line("sender", e.sender);
    line("body", e.eight_bit);
    line("return", e.ret);
    line("envid", e.envid);
    for (const Recipient& recipient : e.recipients) line("recipient", recipient);
    return out + '\n';
}

EncodedFirstLine encode_first_line(std::string_view envelope, const BodyPlace& body) {
    FirstLine line{1, body, 0};
    line.body.offset = first_line_length + envelope.size();
    const std::string text = summed_part(line);
    const std::uint32_t crc = crc32c(text, crc32c(envelope));
    return {text + hex8(crc) + '\n', crc};
}

std::optional<FirstLine> parse_first_line(std::string_view bytes) {
    const std::string text(bytes.substr(0, first_line_length));
    FirstLine line;
    unsigned long long body = 0;
    unsigned long long envelope = 0;
    const int read =
        std::sscanf(text.c_str(), "holdfast-queue %9u body %12llu %8x envelope %8llu %8x",
                    &line.version, &body, &line.body.crc, &envelope, &line.crc);
    if (read != 5 || body > max_body || envelope > max_envelope) return std::nullopt;
    line.body.length = body;
    line.body.offset = first_line_length + envelope;
    if (summed_part(line) + hex8(line.crc) + '\n' != text) return std::nullopt;
    return line;
}

std::expected<Envelope, Flaw> parse_envelope(const FirstLine& line, std::string_view bytes) {
    if (bytes.size() != line.body.offset) return std::unexpected(Flaw::damaged);
    const std::string_view text = bytes.substr(first_line_length);
    if (crc32c(summed_part(line), crc32c(text)) != line.crc) return std::unexpected(Flaw::damaged);
    if (line.version != 1) return std::unexpected(Flaw::newer);
    auto envelope = parse_lines(text);
    if (!envelope) return std::unexpected(Flaw::damaged);
    return std::move(*envelope);
}

std::string encode_log_line(const LogLine& line, std::uint32_t seed) {
    std::string text =
        word_of(line.sequence) + ' ' + word_of(line.synced) + ' ' + word_of(line.entry.time) + ' ';
    text.append(event_names.at(line.entry.event.index()));
    std::visit([&](const auto& event) { append_words(text, event); }, line.entry.event);
    append_crc(text, seed);
    return text + '\n';
}

std::expected<LogLine, Flaw> parse_log_line(std::string_view text, std::uint32_t seed) {
    const auto summed = without_crc(text, seed);
    if (!summed) return std::unexpected(Flaw::damaged);
    // From here on it is what somebody wrote on purpose.
    Words words(*summed);
    const auto sequence = words.value<std::uint32_t>();
    const auto synced = words.value<std::uint32_t>();
    const auto time = words.value<std::int64_t>();
    if (!sequence || !synced || !time) return std::unexpected(Flaw::newer);
    auto event = read_event(words);
    if (!event || words.more()) return std::unexpected(Flaw::newer);
    return LogLine{*sequence, *synced, LogEntry{*time, std::move(*event)}};
}

}  // namespace holdfast::queue
