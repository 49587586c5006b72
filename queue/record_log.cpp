// The log lines of a queue file: "sequence synced time event ... crc".
#include <array>

#include "queue/record.h"
#include "queue/words.h"
#include "smtpd/base/quote.h"

namespace holdfast::queue {

namespace {

// In the order of the variant Event.
constexpr std::array<std::string_view, 6> event_names{"started", "attempted", "expanded",
                                                      "noticed", "held",      "released"};
constexpr std::array<std::string_view, 3> verdict_names{"delivered", "retry", "refused"};
constexpr std::array<std::string_view, 2> notice_names{"delay", "failure"};

class EventWriter {
  public:
    explicit EventWriter(std::string& out) : out_(out) {}

    void operator()(const Started& event) {
        add(std::to_string(event.recipient));
        add(percent_encoded(event.target));
    }
    void operator()(const Attempted& event) {
        add(std::to_string(event.recipient));
        add(percent_encoded(event.target));
        add(verdict_names.at(static_cast<std::size_t>(event.outcome.verdict)));
        add(percent_encoded(event.outcome.enhanced));
        add(percent_encoded(event.outcome.place));
        add(percent_encoded(event.outcome.text));
    }
    void operator()(const Expanded& event) {
        add(std::to_string(event.recipient));
        for (const std::string& target : event.targets) add(percent_encoded(target));
    }
    void operator()(const Noticed& event) {
        add(notice_names.at(static_cast<std::size_t>(event.notice)));
        add(event.message.text());
        for (const std::uint32_t recipient : event.recipients) add(std::to_string(recipient));
    }
    void operator()(const Held&) {}
    void operator()(const Released&) {}

  private:
    void add(std::string_view word) { out_.append(" ").append(word); }
    std::string& out_;
};

std::optional<Event> read_started(Words& words) {
    const auto recipient = words.number();
    auto target = words.text();
    if (!recipient || !target) return std::nullopt;
    return Started{*recipient, std::move(*target)};
}

std::optional<Event> read_attempted(Words& words) {
    const auto recipient = words.number();
    auto target = words.text();
    const auto verdict = words.choice(verdict_names);
    auto enhanced = words.text();
    auto place = words.text();
    auto text = words.text();
    if (!recipient || !target || !verdict || !enhanced || !place || !text) return std::nullopt;
    return Attempted{*recipient, std::move(*target),
                     Outcome{static_cast<Verdict>(*verdict), std::move(*enhanced), std::move(*text),
                             std::move(*place)}};
}

std::optional<Event> read_expanded(Words& words) {
    const auto recipient = words.number();
    if (!recipient) return std::nullopt;
    Expanded event{*recipient, {}};
    while (words.more()) {
        auto target = words.text();
        if (!target) return std::nullopt;
        event.targets.push_back(std::move(*target));
    }
    return event;
}

std::optional<Event> read_noticed(Words& words) {
    const auto notice = words.choice(notice_names);
    const auto message = MessageId::parse(words.word());
    if (!notice || !message) return std::nullopt;
    Noticed event{static_cast<Notice>(*notice), *message, {}};
    while (words.more()) {
        const auto recipient = words.number();
        if (!recipient) return std::nullopt;
        event.recipients.push_back(*recipient);
    }
    return event;
}

std::optional<Event> read_event(Words& words) {
    switch (words.choice(event_names).value_or(event_names.size())) {
        case 0:
            return read_started(words);
        case 1:
            return read_attempted(words);
        case 2:
            return read_expanded(words);
        case 3:
            return read_noticed(words);
        case 4:
            return Held{};
        case 5:
            return Released{};
        default:
            return std::nullopt;  // a later version's
    }
}

}  // namespace

std::string encode_log_line(const LogLine& line, std::uint32_t seed) {
    std::string text = std::to_string(line.sequence) + ' ' + std::to_string(line.synced) + ' ' +
                       time_text(line.entry.time) + ' ';
    text.append(event_names.at(line.entry.event.index()));
    std::visit(EventWriter(text), line.entry.event);
    append_crc(text, seed);
    return text + '\n';
}

std::expected<LogLine, Flaw> parse_log_line(std::string_view text, std::uint32_t seed) {
    const auto summed = without_crc(text, seed);
    if (!summed) return std::unexpected(Flaw::damaged);
    // From here on it is what somebody wrote on purpose.
    Words words(*summed);
    const auto sequence = words.number();
    const auto synced = words.number();
    const auto time = words.time();
    if (!sequence || !synced || !time) return std::unexpected(Flaw::newer);
    auto event = read_event(words);
    if (!event || words.more()) return std::unexpected(Flaw::newer);
    return LogLine{*sequence, *synced, LogEntry{*time, std::move(*event)}};
}

}  // namespace holdfast::queue
