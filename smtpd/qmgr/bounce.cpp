#include "smtpd/qmgr/bounce.h"

#include <algorithm>

#include "smtpd/mail/ascii.h"
#include "smtpd/qmgr/agent.h"

namespace holdfast::qmgr {

namespace {

constexpr std::size_t line_limit = 900;  // RFC 5322 section 2.1.1: 998, and room for a field name
constexpr std::size_t max_field = 8 * 1024;

std::string printable(std::string_view text) {
    std::string result(text.substr(0, max_field));
    std::ranges::replace_if(result, [](char c) { return c < 0x20 || c > 0x7e; }, '?');
    return result;
}

// A field's value over as many lines as it needs.
std::string folded(std::string_view text) {
    const std::string clean = printable(text);
    std::string result;
    for (std::size_t at = 0; at < clean.size(); at += line_limit) {
        if (at > 0) result += "\n ";
        result += clean.substr(at, line_limit);
    }
    return result;
}

std::string status_of(const Outcome& outcome) {
    if (is_status(outcome.enhanced, '5') || is_status(outcome.enhanced, '4')) {
        return outcome.enhanced;
    }
    return outcome.verdict == Verdict::retry ? "4.0.0" : "5.0.0";
}

std::string date(std::int64_t milliseconds) {
    return rfc5322_date(WallTime(std::chrono::milliseconds(milliseconds)));
}

bool wants_to_hear(const Recipient& recipient, std::uint8_t of) {
    return (recipient.notify & notify_never) == 0 && (recipient.notify & of) != 0;
}

const queue::TargetState* refused_target(const queue::RecipientState& state) {
    for (const queue::TargetState& target : state.targets) {
        const bool counts = state.expanded ? std::ranges::find(state.expansion, target.target) !=
                                                 state.expansion.end()
                                           : target.target.empty();
        if (counts && target.progress == queue::Progress::refused) return &target;
    }
    return nullptr;
}

// The one of a recipient that still waits that was tried last.
const queue::TargetState* late_target(const queue::RecipientState& state) {
    const queue::TargetState* latest = nullptr;
    for (const queue::TargetState& target : state.targets) {
        if (target.progress != queue::Progress::pending || target.attempts == 0) continue;
        if (latest == nullptr || target.last_time > latest->last_time) latest = &target;
    }
    return state.settled() ? nullptr : latest;
}

// A target with a name is behind an alias.
Outcome for_the_sender(const queue::RecipientState& state, const queue::TargetState& target) {
    Outcome result = target.last;
    if (!state.expanded && target.target.empty()) return result;
    result.text = "delivery to what stands behind this address failed (status " +
                  status_of(target.last) + ")";
    return result;
}

bool is_postmaster(const Envelope& envelope, const std::string& postmaster) {
    return ascii::lower_case(envelope.recipients.front().address) == ascii::lower_case(postmaster);
}

bool is_for_root(const queue::RecipientState& state) {
    return state.expanded && state.expansion == std::vector<std::string>{"root"};
}

bool is_delay(const NoticeFacts& facts) {
    return facts.plan.kind == queue::Notice::delay;
}

std::string subject(const NoticeFacts& facts) {
    if (is_delay(facts)) return "Your mail is delayed";
    return facts.plan.reader == Reader::sender ? "Your mail could not be delivered"
                                               : "A bounce could not be delivered";
}

std::string notice_header(const NoticeFacts& facts, std::string_view boundary) {
    std::string text;
    text += "From: Mail Delivery System <MAILER-DAEMON@" + printable(facts.origin) + ">\n";
    text += "To: <" + printable(facts.plan.to) + ">\n";
    text += "Subject: " + subject(facts) + "\n";
    text += "Date: " + rfc5322_date(facts.now) + "\n";
    text += "Message-ID: <" + facts.id.text() + "@" + printable(facts.hostname) + ">\n";
    text += "Auto-Submitted: auto-replied\n";  // RFC 3834: no vacation program answers
    text += "MIME-Version: 1.0\n";
    if (facts.failed.eight_bit) text += "Content-Transfer-Encoding: 8bit\n";
    text += "Content-Type: multipart/report; report-type=delivery-status;\n boundary=\"";
    text.append(boundary).append("\"\n\n");
    return text;
}

std::string_view what_happened(const NoticeFacts& facts) {
    if (is_delay(facts)) {
        return "Your mail could not yet be delivered to the recipients below. It is kept and\n"
               "tried again. You need not send it once more; should it never get there, you\n"
               "will be told.\n";
    }
    switch (facts.plan.reader) {
        case Reader::sender:
            return "Your mail could not be delivered to the recipients below. It will not be\n"
                   "tried again for them.\n";
        case Reader::postmaster:
            return "A notice of a failed delivery could itself not be delivered. It is returned\n"
                   "below.\n";
        case Reader::root:
            break;
    }
    return "A notice of a failed delivery could itself not be delivered, not even to the\n"
           "postmaster. It is returned below and was put into the mailbox of root; nobody\n"
           "else will hear of it. See to it that mail to postmaster reaches somebody.\n";
}

std::string for_people(const NoticeFacts& facts) {
    std::string text = "This is the mail system of " + printable(facts.hostname) + ".\n\n";
    text += what_happened(facts);
    for (const NoticeRecipient& failed : facts.recipients) {
        text += "\n  <" + printable(failed.recipient.address) + ">\n      " +
                folded(failed.outcome.text) + "\n";
    }
    text += "\nThe message was accepted on " + date(facts.failed.admitted) + " as " +
            facts.failed.id.text() + ".\n";
    return text;
}

std::string recipient_fields(const NoticeRecipient& failed, std::string_view action) {
    std::string text = "\n";
    if (!failed.recipient.original.empty()) {
        text += "Original-Recipient: " + folded(failed.recipient.original) + "\n";
    }
    text += "Final-Recipient: rfc822; " + folded(failed.recipient.address) + "\n";
    text.append("Action: ").append(action).append("\n");
    text += "Status: " + status_of(failed.outcome) + "\n";
    text += "Diagnostic-Code: X-Holdfast; " + folded(failed.outcome.text) + "\n";
    if (failed.time != 0) text += "Last-Attempt-Date: " + date(failed.time) + "\n";
    return text;
}

// RFC 3464 section 2: fields of the message, then a group for each recipient.
std::string for_machines(const NoticeFacts& facts) {
    std::string text = "Reporting-MTA: dns; " + printable(facts.hostname) + "\n";
    if (!facts.failed.envid.empty()) {
        text += "Original-Envelope-Id: " + folded(facts.failed.envid) + "\n";
    }
    text += "Arrival-Date: " + date(facts.failed.admitted) + "\n";
    const std::string_view action = is_delay(facts) ? "delayed" : "failed";
    for (const NoticeRecipient& one : facts.recipients) text += recipient_fields(one, action);
    return text;
}

// Up to the empty line, whole lines, within the limit.
std::string_view header_of(std::string_view start) {
    if (start.starts_with('\n')) return {};
    const std::size_t end = start.find("\n\n");
    if (end != std::string_view::npos && end < header_limit) return start.substr(0, end + 1);
    if (end == std::string_view::npos && start.size() <= header_limit) return start;
    const std::size_t line_end = start.substr(0, header_limit).rfind('\n');
    return line_end == std::string_view::npos ? start.substr(0, header_limit)
                                              : start.substr(0, line_end + 1);
}

std::string returned_part(const NoticeFacts& facts, std::string_view start) {
    const bool full =
        !is_delay(facts) && facts.failed.ret != Return::headers && start.size() <= full_limit;
    const std::string_view content = full ? start : header_of(start);
    std::string text = "Content-Description: ";
    text += full ? "the message\nContent-Type: message/rfc822\n"
                 : "the header of the message\nContent-Type: text/rfc822-headers\n";
    if (facts.failed.eight_bit) text += "Content-Transfer-Encoding: 8bit\n";
    text.append("\n").append(content);
    if (!text.ends_with('\n')) text += '\n';
    return text;
}

}  // namespace

std::vector<NoticeRecipient> failed_recipients(const queue::Message& message) {
    std::vector<NoticeRecipient> result;
    for (std::uint32_t i = 0; i < message.state.recipients.size(); ++i) {
        const queue::RecipientState& state = message.state.recipients[i];
        const Recipient& recipient = message.envelope.recipients[i];
        // One whose targets have not all been tried to the end may yet get it in part.
        if (!state.settled() || state.failure_noticed) continue;
        const queue::TargetState* refused = refused_target(state);
        if (refused == nullptr || !wants_to_hear(recipient, notify_failure)) continue;
        result.push_back({i, recipient, for_the_sender(state, *refused), refused->last_time});
    }
    return result;
}

std::vector<NoticeRecipient> delayed_recipients(const queue::Message& message) {
    std::vector<NoticeRecipient> result;
    for (std::uint32_t i = 0; i < message.state.recipients.size(); ++i) {
        const queue::RecipientState& state = message.state.recipients[i];
        const Recipient& recipient = message.envelope.recipients[i];
        if (state.delay_noticed) return {};
        const queue::TargetState* late = late_target(state);
        if (late == nullptr || !wants_to_hear(recipient, notify_delay)) continue;
        result.push_back({i, recipient, for_the_sender(state, *late), late->last_time});
    }
    return result;
}

std::optional<NoticePlan> plan_bounce(const queue::Message& failed, std::string_view origin) {
    const Envelope& envelope = failed.envelope;
    const auto kind = queue::Notice::failure;
    if (!envelope.sender.empty()) return NoticePlan{kind, Reader::sender, envelope.sender};
    if (envelope.source != Source::queue || is_for_root(failed.state.recipients.front())) {
        return std::nullopt;
    }
    std::string postmaster = "postmaster@" + std::string(origin);
    const Reader reader = is_postmaster(envelope, postmaster) ? Reader::root : Reader::postmaster;
    return NoticePlan{kind, reader, std::move(postmaster)};
}

std::optional<NoticePlan> plan_delay(const queue::Message& late) {
    if (late.envelope.sender.empty()) return std::nullopt;
    return NoticePlan{queue::Notice::delay, Reader::sender, late.envelope.sender};
}

// The id is random and new, so nothing that is returned can hold the boundary.
std::string render_notice(const NoticeFacts& facts, std::string_view start) {
    const std::string boundary = "holdfast-" + facts.id.text();
    std::string text = notice_header(facts, boundary);
    text += "This is a report in parts, after RFC 3464.\n";
    text += "\n--" + boundary + "\nContent-Type: text/plain; charset=us-ascii\n\n";
    text += for_people(facts);
    text += "\n--" + boundary + "\nContent-Type: message/delivery-status\n\n";
    text += for_machines(facts);
    text += "\n--" + boundary + "\n" + returned_part(facts, start);
    text += "\n--" + boundary + "--\n";
    return text;
}

Envelope notice_envelope(const NoticeFacts& facts) {
    Envelope envelope;
    envelope.id = facts.id;
    envelope.admitted = facts.now.time_since_epoch().count();
    envelope.source = Source::queue;
    envelope.eight_bit = facts.failed.eight_bit;
    // That a mail is late is not worth another notice.
    const std::uint8_t notify = is_delay(facts) ? notify_never : notify_failure;
    envelope.recipients.push_back({facts.plan.to, {}, notify});
    return envelope;
}

std::vector<queue::LogEntry> notice_verdicts(const NoticeFacts& facts) {
    if (facts.plan.reader != Reader::root) return {};
    return {{facts.now.time_since_epoch().count(), queue::Expanded{0, {"root"}}}};
}

}  // namespace holdfast::qmgr
