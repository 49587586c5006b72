#include "ctl/sendmail/queue_list.h"

#include "smtpd/base/clock.h"
#include "smtpd/base/quote.h"

namespace holdfast::sendmail {

namespace {

constexpr std::size_t id_width = MessageId::text_length + 1;
constexpr std::size_t size_width = 9;
constexpr std::size_t time_width = 19;
constexpr std::size_t address_column = id_width + size_width + time_width + 3;

constexpr const char* heading =
    "--------Queue ID---------- --Size--- -Arrival Time(UTC)- -Sender/Recipient--\n";

std::string right(std::string text, std::size_t width) {
    if (text.size() < width) text.insert(0, width - text.size(), ' ');
    return text;
}

// "Sat Nov 21 07:50:18" of "Sat, 21 Nov 2026 07:50:18 +0000".
std::string arrival(std::int64_t milliseconds) {
    const std::string date = rfc5322_date(WallTime(std::chrono::milliseconds(milliseconds)));
    return date.substr(0, 3) + " " + date.substr(8, 3) + " " + date.substr(5, 2) + " " +
           date.substr(17, 8);
}

char mark(links::QueueState state) {
    switch (state) {
        case links::QueueState::active:
            return '*';
        case links::QueueState::queued:
        case links::QueueState::deferred:
            return ' ';
    }
    return ' ';
}

}  // namespace

std::string QueueList::add(const links::QueueItem& item) {
    std::string lines = messages_ == 0 ? heading : "\n";
    ++messages_;
    bytes_ += item.size;
    lines.append(item.id.text()).push_back(mark(item.state));
    lines.append(right(std::to_string(item.size), size_width)).append(" ");
    lines.append(arrival(item.admitted)).append("  ");
    lines.append(item.sender.empty() ? "MAILER-DAEMON" : escaped(item.sender)).append("\n");
    for (const links::QueueRecipient& recipient : item.recipients) {
        if (!recipient.last.empty()) {
            lines.append(right("(" + escaped(recipient.last) + ")", address_column)).append("\n");
        }
        lines.append(address_column, ' ').append(escaped(recipient.address)).append("\n");
    }
    return lines;
}

std::string QueueList::summary() const {
    if (messages_ == 0) return "Mail queue is empty\n";
    const std::uint64_t kilobytes = (bytes_ + 1023) / 1024;
    return "\n-- " + std::to_string(kilobytes) + " Kbytes in " + std::to_string(messages_) +
           (messages_ == 1 ? " Request.\n" : " Requests.\n");
}

}  // namespace holdfast::sendmail
