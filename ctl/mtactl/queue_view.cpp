#include "ctl/mtactl/queue_view.h"

#include <array>
#include <vector>

#include "ctl/mtactl/display.h"
#include "smtpd/base/json.h"
#include "smtpd/base/quote.h"

namespace holdfast::mtactl {

namespace {

// The list streams, so no column can wait for its widest cell.
constexpr std::size_t id_width = 26;
constexpr std::size_t state_width = 8;
constexpr std::size_t size_width = 8;
constexpr std::size_t time_width = 7;

std::string_view state_name(links::QueueState state) {
    switch (state) {
        case links::QueueState::queued:
            return "queued";
        case links::QueueState::active:
            return "active";
        case links::QueueState::deferred:
            return "deferred";
    }
    return "queued";
}

std::string left(std::string_view text, std::size_t width) {
    std::string out(text);
    if (out.size() < width) out.append(width - out.size(), ' ');
    return out + "  ";
}

std::string right(std::string_view text, std::size_t width) {
    const std::string padding(text.size() < width ? width - text.size() : 0, ' ');
    return padding + std::string(text) + "  ";
}

std::string heading() {
    return left("ID", id_width) + left("STATE", state_width) + right("SIZE", size_width) +
           right("AGE", time_width) + right("NEXT", time_width) + right("TRIES", 5) +
           "SENDER, RECIPIENTS\n";
}

std::string sender_text(const std::string& sender) {
    return sender.empty() ? "<>" : harmless(sender);
}

// When the next attempt is due, seen from now.
std::string next_text(const links::QueueItem& item, WallTime now) {
    if (item.next == 0) return "now";
    const auto wait = std::chrono::milliseconds(item.next) - now.time_since_epoch();
    if (wait <= std::chrono::milliseconds(0)) return "due";
    return short_duration(std::chrono::ceil<std::chrono::seconds>(wait));
}

std::string recipient_text(const links::QueueRecipient& recipient) {
    std::string line = "    " + harmless(recipient.address);
    if (!recipient.last.empty()) line += ": " + harmless(recipient.last);
    return line + "\n";
}

std::string recipient_json(const links::QueueRecipient& recipient) {
    JsonObject object;
    object.text("address", recipient.address).text("last", recipient.last);
    return object.json();
}

std::string item_json(const links::QueueItem& item) {
    std::vector<std::string> recipients;
    recipients.reserve(item.recipients.size());
    for (const auto& recipient : item.recipients) recipients.push_back(recipient_json(recipient));
    JsonObject object;
    object.text("id", item.id.text());
    object.text("state", state_name(item.state));
    object.number("size", item.size);
    object.text("admitted", time_text(item.admitted));
    object.raw("next", item.next == 0 ? "null" : json_string(time_text(item.next)));
    object.number("attempts", item.attempts);
    object.text("sender", item.sender);
    object.raw("recipients", json_array(recipients));
    return object.json();
}

}  // namespace

std::string QueueText::add(const links::QueueItem& item) {
    std::string out = messages_ == 0 ? heading() : std::string();
    ++messages_;
    bytes_ += item.size;
    out += left(item.id.text(), id_width) + left(state_name(item.state), state_width) +
           right(size_text(item.size), size_width) +
           right(age_text(item.admitted, now_), time_width) +
           right(next_text(item, now_), time_width) + right(std::to_string(item.attempts), 5) +
           sender_text(item.sender) + "\n";
    for (const auto& recipient : item.recipients) out += recipient_text(recipient);
    return out;
}

std::string QueueText::end() const {
    if (messages_ == 0) return "The queue is empty\n";
    return count_text(messages_, "message") + ", " + size_text(bytes_) + "\n";
}

std::string QueueJson::add(const links::QueueItem& item) {
    const std::string before = begun_ ? ",\n " : "[";
    begun_ = true;
    return before + item_json(item);
}

std::string QueueJson::end() const {
    return begun_ ? "]\n" : "[]\n";
}

}  // namespace holdfast::mtactl
