#include "queue/record.h"

#include <array>
#include <cstdio>

#include "queue/words.h"
#include "smtpd/base/crc32c.h"
#include "smtpd/base/quote.h"

namespace holdfast::queue {

namespace {

// The first line up to and with the space before its CRC: what the CRC covers.
constexpr std::size_t summed_length = first_line_length - 9;

constexpr std::array<std::string_view, 3> source_names{"smtp", "local", "queue"};
constexpr std::array<std::string_view, 2> width_names{"7bit", "8bit"};
constexpr std::array<std::string_view, 3> return_names{"unspecified", "full", "headers"};

// "never", "failure,delay" and so on: the words of RFC 3461; "none" for no bit at all.
std::string notify_text(std::uint8_t notify) {
    constexpr std::array<std::string_view, 4> names{"never", "success", "failure", "delay"};
    std::string text;
    for (std::size_t bit = 0; bit < names.size(); ++bit) {
        if ((notify >> bit & 1) == 0) continue;
        text.append(text.empty() ? "" : ",").append(names.at(bit));
    }
    return text.empty() ? "none" : text;
}

std::optional<std::uint8_t> parse_notify(std::string_view word) {
    for (std::uint8_t value = 0; value < 16; ++value) {
        if (notify_text(value) == word) return value;
    }
    return std::nullopt;
}

// Takes the next line off `text` and the key off that line; nothing where it has another key.
std::optional<Words> take_line(std::string_view& text, std::string_view key) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    Words words(text.substr(0, end));
    if (words.word() != key) return std::nullopt;
    text.remove_prefix(end + 1);
    return words;
}

// A line of one value: `key` and what `read` makes of the rest.
template <class Value>
bool take_value(std::string_view& text, std::string_view key, Value& into,
                std::optional<Value> (*read)(Words&)) {
    auto words = take_line(text, key);
    if (!words) return false;
    auto value = read(*words);
    if (!value || words->more()) return false;
    into = std::move(*value);
    return true;
}

std::optional<std::string> read_text(Words& words) {
    return words.text();
}
std::optional<std::uint32_t> read_number(Words& words) {
    return words.number();
}
std::optional<std::int64_t> read_time(Words& words) {
    return words.time();
}
std::optional<MessageId> read_id(Words& words) {
    return MessageId::parse(words.word());
}

template <class Value, const auto& names>
std::optional<Value> read_choice(Words& words) {
    const auto at = words.choice(names);
    if (!at) return std::nullopt;
    return static_cast<Value>(*at);
}

std::optional<Recipient> read_recipient(Words& words) {
    auto address = words.text();
    auto original = words.text();
    const auto notify = parse_notify(words.word());
    if (!address || !original || !notify) return std::nullopt;
    return Recipient{std::move(*address), std::move(*original), *notify};
}

bool take_recipients(std::string_view& text, std::vector<Recipient>& into) {
    while (text.starts_with("recipient ")) {
        Recipient recipient;
        if (!take_value(text, "recipient", recipient, read_recipient)) return false;
        into.push_back(std::move(recipient));
    }
    return !into.empty();
}

std::optional<Envelope> parse_lines(std::string_view text) {
    Envelope e;
    const bool whole = take_value(text, "id", e.id, read_id) &&
                       take_value(text, "admitted", e.admitted, read_time) &&
                       take_value(text, "source", e.source, read_choice<Source, source_names>) &&
                       take_value(text, "uid", e.uid, read_number) &&
                       take_value(text, "client", e.client, read_text) &&
                       take_value(text, "helo", e.helo, read_text) &&
                       take_value(text, "sender", e.sender, read_text) &&
                       take_value(text, "body", e.eight_bit, read_choice<bool, width_names>) &&
                       take_value(text, "return", e.ret, read_choice<Return, return_names>) &&
                       take_value(text, "envid", e.envid, read_text) &&
                       take_recipients(text, e.recipients);
    if (!whole || text != "\n") return std::nullopt;
    return e;
}

void append_line(std::string& out, std::string_view key, std::string_view word) {
    out.append(key).append(" ").append(word).append("\n");
}

}  // namespace

std::string encode_envelope(const Envelope& e) {
    std::string out;
    append_line(out, "id", e.id.text());
    append_line(out, "admitted", time_text(e.admitted));
    append_line(out, "source", source_names.at(static_cast<std::size_t>(e.source)));
    append_line(out, "uid", std::to_string(e.uid));
    append_line(out, "client", percent_encoded(e.client));
    append_line(out, "helo", percent_encoded(e.helo));
    append_line(out, "sender", percent_encoded(e.sender));
    append_line(out, "body", width_names.at(e.eight_bit ? 1 : 0));
    append_line(out, "return", return_names.at(static_cast<std::size_t>(e.ret)));
    append_line(out, "envid", percent_encoded(e.envid));
    for (const Recipient& recipient : e.recipients) {
        append_line(out, "recipient",
                    percent_encoded(recipient.address) + ' ' + percent_encoded(recipient.original) +
                        ' ' + notify_text(recipient.notify));
    }
    out.append("\n");
    return out;
}

EncodedFirstLine encode_first_line(std::string_view envelope, const BodyPlace& body) {
    std::array<char, first_line_length + 1> text{};
    std::snprintf(text.data(), text.size(), "holdfast-queue 1 body %012llu %08x envelope %08zu ",
                  static_cast<unsigned long long>(body.length), static_cast<unsigned>(body.crc),
                  envelope.size());
    EncodedFirstLine line{text.data(), 0};
    line.crc = crc32c(line.text, crc32c(envelope));
    line.text.append(hex8(line.crc)).append("\n");
    return line;
}

std::optional<FirstLine> parse_first_line(std::string_view bytes) {
    if (bytes.size() < first_line_length || bytes[first_line_length - 1] != '\n') {
        return std::nullopt;
    }
    Words words(bytes.substr(0, first_line_length - 1));
    const bool ours = words.word() == "holdfast-queue";
    const auto version = words.number();
    const bool body = words.word() == "body";
    const auto body_length = parse_decimal(words.word());
    const auto body_crc = parse_hex8(words.word());
    const bool envelope = words.word() == "envelope";
    const auto envelope_length = parse_decimal(words.word());
    const auto crc = parse_hex8(words.word());
    if (!ours || !version || !body || !envelope || words.more()) return std::nullopt;
    if (!body_length || !body_crc || !envelope_length || !crc) return std::nullopt;
    if (*body_length > max_body || *envelope_length > max_envelope) return std::nullopt;
    const BodyPlace place{first_line_length + *envelope_length, *body_length, *body_crc};
    return FirstLine{*version, place, static_cast<std::uint32_t>(*envelope_length), *crc};
}

std::expected<Envelope, Flaw> parse_envelope(const FirstLine& line, std::string_view bytes) {
    if (bytes.size() != line.body.offset) return std::unexpected(Flaw::damaged);
    const std::string_view text = bytes.substr(first_line_length);
    if (crc32c(bytes.substr(0, summed_length), crc32c(text)) != line.crc) {
        return std::unexpected(Flaw::damaged);
    }
    if (line.version != 1) return std::unexpected(Flaw::newer);
    auto envelope = parse_lines(text);
    if (!envelope) return std::unexpected(Flaw::damaged);
    return std::move(*envelope);
}

}  // namespace holdfast::queue
