#include "smtpd/qmgr/envelope_check.h"

#include <algorithm>

#include "queue/seen.h"
#include "smtpd/base/quote.h"

namespace holdfast::qmgr {

namespace {

constexpr std::size_t max_word = 1024;  // of a client's name, a HELO, an ORCPT, an envelope id
constexpr auto all_notify =
    static_cast<std::uint8_t>(notify_never | notify_success | notify_failure | notify_delay);

// Two clocks are read for one id, and a user's may be a little ahead.
constexpr auto tolerance = std::chrono::hours(1);
constexpr auto longest_in_drop = std::chrono::days(7);

bool right_source(const Envelope& envelope, Submitter submitter) {
    if (submitter == Submitter::stranger) {
        return envelope.source == Source::smtp && envelope.uid == 0;
    }
    return envelope.source == Source::local;
}

}  // namespace

std::optional<Breach> breach_of(ChannelEnd how) {
    if (how == ChannelEnd::closed) return std::nullopt;
    return Breach{"a malformed message"};
}

std::optional<Breach> breach_in(const Envelope& envelope, Submitter submitter) {
    if (envelope.id == MessageId()) return Breach{"a message without an id"};
    if (!right_source(envelope, submitter)) return Breach{"a message from another source"};
    if (!envelope.recipients.empty()) return Breach{"recipients in Begin"};
    if (!envelope.sender.empty() && !Address::parse(envelope.sender)) {
        return Breach{"a sender that is no address"};
    }
    const auto too_long = [](const std::string& word) { return word.size() > max_word; };
    if (too_long(envelope.client) || too_long(envelope.helo) || too_long(envelope.envid)) {
        return Breach{"an overlong envelope"};
    }
    return std::nullopt;
}

bool id_in_window(const MessageId& id, WallTime now) {
    const WallTime time = id.time();
    return time <= now + tolerance && time >= now + 2 * tolerance - queue::seen_window;
}

WallTime admission_time(const MessageId& id, Submitter submitter, WallTime now) {
    if (submitter != Submitter::dropper) return now;
    return std::clamp<WallTime>(id.time(), now - longest_in_drop, now);
}

std::optional<Breach> breach_in_parameters(const Recipient& recipient) {
    const bool fine = recipient.original.size() <= max_word &&
                      recipient.address.size() <= max_word && (recipient.notify & ~all_notify) == 0;
    if (fine) return std::nullopt;
    return Breach{"a recipient with overlong or unknown parameters"};
}

RecipientCheck check_recipient(const Recipient& recipient, std::string_view sender,
                               const Router& router, Submitter submitter) {
    if (auto breach = breach_in_parameters(recipient)) return {std::move(breach), {}};
    const auto address = router.parse_recipient(recipient.address);
    if (!address && submitter != Submitter::dropper) {
        if (submitter == Submitter::stranger) return {Breach{"a recipient that is no address"}, {}};
        return {{},
                links::Refusal{553, "5.1.3",
                               "malformed recipient \"" + escaped(recipient.address) + '"'}};
    }
    if (!address || router.is_local(*address) || submitter == Submitter::dropper) return {};
    const auto way = router.way_to(*address, sender);
    const auto* const outcome = std::get_if<Outcome>(&way);
    if (outcome == nullptr) return {};
    if (submitter == Submitter::stranger) return {Breach{"a recipient that no route leads to"}, {}};
    return {{}, links::Refusal{550, outcome->enhanced, outcome->text}};
}

// One good target is enough: what the others come to is told at their delivery.
links::Refusal answer_for(const Route& route) {
    const Outcome* worst = nullptr;
    for (const Target& target : route.targets) {
        const auto* outcome = std::get_if<Outcome>(&target.way);
        if (outcome == nullptr) return {};
        if (worst == nullptr || outcome->verdict == Verdict::retry) worst = outcome;
    }
    if (worst == nullptr) return {451, "4.3.0", "the recipient could not be looked up"};
    if (worst->verdict == Verdict::retry) {
        return {451, worst->enhanced, "the recipient cannot be looked up now; try again later"};
    }
    // What stands behind an alias is not for strangers.
    if (route.aliased) return {550, worst->enhanced, "mail for this recipient leads nowhere"};
    return {550, worst->enhanced, worst->text};
}

links::Refusal relaying_denied(std::string_view recipient) {
    return {550, "5.7.1", "relaying denied: <" + escaped(recipient) + "> is not on this machine"};
}

}  // namespace holdfast::qmgr
