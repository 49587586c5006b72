#include "smtpd/qmgr/round.h"

#include <algorithm>
#include <utility>

namespace holdfast::qmgr {

namespace {

const Outcome in_the_same_mailbox{
    Verdict::delivered, "2.1.5", "the mailbox has it for another recipient", {}};

}  // namespace

Round::Round(queue::Message& message, std::vector<Route> routes, std::int64_t now)
    : message_(message), routes_(std::move(routes)) {
    find_delivered();
    for (std::uint32_t i = 0; i < routes_.size(); ++i) {
        if (message_.state.recipients[i].settled()) continue;
        for (const Target& target : routes_[i].targets) add(i, target, now);
    }
}

// What earlier rounds delivered, so that a mailbox which is reached by another recipient too does
// not get it again.
void Round::find_delivered() {
    for (std::uint32_t i = 0; i < routes_.size(); ++i) {
        for (const Target& target : routes_[i].targets) {
            const auto* mailbox = std::get_if<MailboxOf>(&target.way);
            if (mailbox == nullptr) continue;
            const auto known = message_.state.recipients[i].target(target.key);
            if (known.progress == queue::Progress::delivered) delivered_.insert(mailbox->user);
        }
    }
}

bool Round::pending(const Ref& ref) const {
    const auto known = message_.state.recipients[ref.recipient].target(ref.key);
    return known.progress == queue::Progress::pending;
}

void Round::add(std::uint32_t recipient, const Target& target, std::int64_t now) {
    Ref ref{recipient, target.key};
    if (!pending(ref)) return;
    const auto* mailbox = std::get_if<MailboxOf>(&target.way);
    if (mailbox == nullptr) return note(ref, std::get<Outcome>(target.way), now);
    if (delivered_.contains(mailbox->user)) return note(ref, in_the_same_mailbox, now);
    const auto [at, fresh] = by_user_.try_emplace(mailbox->user, groups_.size());
    if (fresh) {
        groups_.push_back({{mailbox->user, recipient}, {}, true});
        ++open_;
    }
    groups_[at->second].refs.push_back(std::move(ref));
}

void Round::close(Group& group) {
    if (!std::exchange(group.open, false)) return;
    --open_;
}

void Round::report(std::size_t at, const Outcome& outcome, std::int64_t now) {
    Group& group = groups_.at(at);
    if (!group.open) return;
    close(group);
    for (const Ref& ref : group.refs) note(ref, outcome, now);
}

void Round::skip(std::size_t at) {
    Group& group = groups_.at(at);
    if (!group.open) return;
    close(group);
    skipped_ = true;
    for (const Ref& ref : group.refs) skipped_recipients_.insert(ref.recipient);
}

bool Round::settled() const {
    return std::ranges::all_of(message_.state.recipients,
                               [](const auto& recipient) { return recipient.settled(); });
}

// The expansion is fixed with the first of its targets that is settled: from then on a changed
// alias can neither deliver twice nor lose the rest.
void Round::note(const Ref& ref, const Outcome& outcome, std::int64_t now) {
    const bool settles = outcome.verdict != Verdict::retry;
    if (settles && routes_[ref.recipient].aliased &&
        !message_.state.recipients[ref.recipient].expanded) {
        queue::Expanded expanded{ref.recipient, {}};
        for (const Target& target : routes_[ref.recipient].targets) {
            expanded.targets.push_back(target.key);
        }
        enter({now, std::move(expanded)});
    }
    has_success_ = has_success_ || outcome.verdict == Verdict::delivered;
    enter({now, queue::Attempted{ref.recipient, ref.key, outcome}});
    news_.push_back({ref.recipient, ref.key, outcome});
}

void Round::enter(queue::LogEntry entry) {
    queue::apply(message_.state, entry);
    entries_.push_back(std::move(entry));
}

void Round::expire(std::string_view age, std::int64_t now) {
    for (std::uint32_t i = 0; i < routes_.size(); ++i) {
        if (skipped_recipients_.contains(i)) continue;
        for (const Target& target : routes_[i].targets) {
            const Ref ref{i, target.key};
            if (!pending(ref) || message_.state.recipients[i].settled()) continue;
            const std::string last = message_.state.recipients[i].target(target.key).last.text;
            note(ref,
                 {Verdict::refused,
                  "4.4.7",
                  "not delivered for " + std::string(age) + ", given up; last: " + last,
                  {}},
                 now);
        }
    }
}

std::vector<queue::LogEntry> Round::take_entries() {
    has_success_ = false;
    return std::exchange(entries_, {});
}

void Round::give_back(std::vector<queue::LogEntry> entries) {
    for (const queue::LogEntry& entry : entries) {
        const auto* attempted = std::get_if<queue::Attempted>(&entry.event);
        if (attempted != nullptr && attempted->outcome.verdict == Verdict::delivered) {
            has_success_ = true;
        }
    }
    entries.insert(entries.end(), std::make_move_iterator(entries_.begin()),
                   std::make_move_iterator(entries_.end()));
    entries_ = std::move(entries);
}

std::vector<Round::News> Round::take_news() {
    return std::exchange(news_, {});
}

}  // namespace holdfast::qmgr
