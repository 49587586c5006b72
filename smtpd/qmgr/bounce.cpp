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
    return is_status(outcome.enhanced, '5') || is_status(outcome.enhanced, '4') ? outcome.enhanced
                                                                                : "5.0.0";
}

std::string date(std::int64_t milliseconds) {
    return rfc5322_date(WallTime(std::chrono::milliseconds(milliseconds)));
}

bool wants_to_hear(const Recipient& recipient) {
    return (recipient.notify & notify_never) == 0 && (recipient.notify & notify_failure) != 0;
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

Outcome without_expansion(const Outcome& outcome) {
    Outcome result = outcome;
    result.text =
        "delivery to what stands behind this address failed (status " + status_of(outcome) + ")";
    return result;
}

std::string notice_header(const NoticeFacts& facts, std::string_view boundary) {
    const bool postmaster = facts.plan.reader == Reader::postmaster;
    std::string text;
    text += "From: Mail Delivery System <MAILER-DAEMON@" + printable(facts.origin) + ">\n";
    text += "To: <" + printable(facts.plan.to) + ">\n";
    text += std::string("Subject: ") +
            (postmaster ? "A bounce could not be delivered" : "Your mail could not be delivered") +
            "\n";
    text += "Date: " + rfc5322_date(facts.now) + "\n";
    text += "Message-ID: <" + facts.id.text() + "@" + printable(facts.hostname) + ">\n";
    text += "Auto-Submitted: auto-replied\n";  // RFC 3834: no vacation program answers
    text += "MIME-Version: 1.0\n";
    if (facts.failed.eight_bit) text += "Content-Transfer-Encoding: 8bit\n";
    text += "Content-Type: multipart/report; report-type=delivery-status;\n boundary=\"";
    text.append(boundary).append("\"\n\n");
    return text;
}

std::string for_people(const NoticeFacts& facts) {
    std::string text = "This is the mail system of " + printable(facts.hostname) + ".\n\n";
    text += facts.plan.reader == Reader::postmaster
                ? "A notice of a failed delivery could itself not be delivered. It is returned\n"
                  "below; nobody else will hear of it.\n"
                : "Your mail could not be delivered to the recipients below. It will not be tried\n"
                  "again.\n";
    for (const FailedRecipient& failed : facts.recipients) {
        text += "\n  <" + printable(failed.recipient.address) + ">\n      " +
                folded(failed.outcome.text) + "\n";
    }
    text += "\nThe message was accepted on " + date(facts.failed.admitted) + " as " +
            facts.failed.id.text() + ".\n";
    return text;
}

std::string recipient_fields(const FailedRecipient& failed) {
    std::string text = "\n";
    if (!failed.recipient.original.empty()) {
        text += "Original-Recipient: " + folded(failed.recipient.original) + "\n";
    }
    text += "Final-Recipient: rfc822; " + folded(failed.recipient.address) + "\n";
    text += "Action: failed\n";
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
    for (const FailedRecipient& failed : facts.recipients) text += recipient_fields(failed);
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
    const bool full = facts.failed.ret != Return::headers && start.size() <= full_limit;
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

std::vector<FailedRecipient> failed_recipients(const queue::Message& message) {
    std::vector<FailedRecipient> result;
    for (std::size_t i = 0; i < message.state.recipients.size(); ++i) {
        const queue::RecipientState& state = message.state.recipients[i];
        const Recipient& recipient = message.envelope.recipients[i];
        const queue::TargetState* refused = refused_target(state);
        if (refused == nullptr || !wants_to_hear(recipient)) continue;
        result.push_back({recipient,
                          state.expanded ? without_expansion(refused->last) : refused->last,
                          refused->last_time});
    }
    return result;
}

std::optional<MessageId> announced_notice(const queue::Message& message) {
    for (const queue::RecipientState& state : message.state.recipients) {
        if (state.failure_noticed) return state.failure_notice;
    }
    return std::nullopt;
}

std::optional<NoticePlan> plan_notice(const Envelope& failed, std::string_view origin) {
    if (!failed.sender.empty()) return NoticePlan{Reader::sender, failed.sender};
    if (failed.source != Source::queue) return std::nullopt;
    std::string postmaster = "postmaster@" + std::string(origin);
    const auto is_postmaster = [name = ascii::lower_case(postmaster)](const Recipient& one) {
        return ascii::lower_case(one.address) == name;
    };
    if (std::ranges::any_of(failed.recipients, is_postmaster)) return std::nullopt;
    return NoticePlan{Reader::postmaster, std::move(postmaster)};
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
    // A notice to a sender that fails goes on to the postmaster, and no further.
    const bool last = facts.plan.reader == Reader::postmaster;
    envelope.recipients.push_back({facts.plan.to, {}, last ? notify_never : notify_failure});
    return envelope;
}

}  // namespace holdfast::qmgr
