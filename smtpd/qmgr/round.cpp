#include "smtpd/qmgr/round.h"

#include <algorithm>
#include <utility>

namespace holdfast::qmgr {

namespace {

const Outcome in_the_same_mailbox{
    Verdict::delivered, "2.1.5", "the mailbox has it for another recipient", {}};

// Of the place that a target leads to; nullptr where it leads to none. A user's name holds no "@",
// an address does.
const std::string* name_of(const Target& target) {
    if (const auto* mailbox = std::get_if<MailboxOf>(&target.way)) return &mailbox->user;
    if (const auto* elsewhere = std::get_if<Elsewhere>(&target.way)) return &elsewhere->address;
    return nullptr;
}

}  // namespace

Round::Round(queue::Message& message, std::vector<Route> routes, std::int64_t now)
    : message_(message), routes_(std::move(routes)) {
    find_delivered();
    for (std::uint32_t i = 0; i < routes_.size(); ++i) {
        if (message_.state.recipients[i].settled()) continue;
        for (const Target& target : routes_[i].targets) add(i, target, now);
    }
    open_ = stops_.size();
}

// What earlier rounds delivered, so that a mailbox which is reached by another recipient too does
// not get it again.
void Round::find_delivered() {
    for (std::uint32_t i = 0; i < routes_.size(); ++i) {
        for (const Target& target : routes_[i].targets) {
            const std::string* name = name_of(target);
            if (name == nullptr) continue;
            const auto known = message_.state.recipients[i].target(target.key);
            if (known.progress == queue::Progress::delivered) delivered_.insert(*name);
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
    const std::string* name = name_of(target);
    if (name == nullptr) return note(ref, std::get<Outcome>(target.way), {}, now);
    if (delivered_.contains(*name)) return note(ref, in_the_same_mailbox, *name, now);
    place_of(target).refs.push_back(std::move(ref));
}

// The one that is there, or a new one at its stop.
Round::Place& Round::place_of(const Target& target) {
    const std::string& name = *name_of(target);
    if (const auto known = by_name_.find(name); known != by_name_.end()) {
        return stops_[known->second.first].places[known->second.second];
    }
    const auto* elsewhere = std::get_if<Elsewhere>(&target.way);
    std::size_t stop = stops_.size();
    if (elsewhere != nullptr) stop = by_route_.try_emplace(elsewhere->route, stop).first->second;
    if (stop == stops_.size()) stops_.emplace_back();
    if (elsewhere != nullptr) stops_[stop].route = elsewhere->route;
    std::vector<Place>& places = stops_[stop].places;
    by_name_.emplace(name, PlaceNumber(stop, places.size()));
    return places.emplace_back(Place{name, {}});
}

// False where it is closed already.
bool Round::close(Stop& stop) {
    if (!std::exchange(stop.open, false)) return false;
    --open_;
    return true;
}

void Round::report(std::size_t at, std::span<const Outcome> outcomes, std::int64_t now) {
    Stop& stop = stops_.at(at);
    if (!close(stop)) return;
    for (std::size_t i = 0; i < stop.places.size(); ++i) {
        const Place& place = stop.places[i];
        const Outcome& outcome = outcomes.size() == 1 ? outcomes.front() : outcomes[i];
        for (const Ref& ref : place.refs) note(ref, outcome, place.name, now);
    }
}

void Round::skip(std::size_t at) {
    if (close(stops_.at(at))) skipped_ = true;
}

void Round::hold(std::size_t at, const Outcome& why, std::int64_t now) {
    skipped_ = true;
    report(at, {&why, 1}, now);
}

bool Round::settled() const {
    return std::ranges::all_of(message_.state.recipients,
                               [](const auto& recipient) { return recipient.settled(); });
}

// The expansion is fixed with the first of its targets that is settled: from then on a changed
// alias can neither deliver twice nor lose the rest.
void Round::note(const Ref& ref, const Outcome& outcome, std::string_view mailbox,
                 std::int64_t now) {
    const Route& route = routes_[ref.recipient];
    const bool settles = outcome.verdict != Verdict::retry;
    if (settles && route.aliased && !message_.state.recipients[ref.recipient].expanded) {
        queue::Expanded expanded{ref.recipient, {}};
        for (const Target& target : route.targets) expanded.targets.push_back(target.key);
        enter({now, std::move(expanded)});
    }
    news_.add(mailbox, {ref.recipient, ref.key, outcome});
    enter({now, queue::Attempted{ref.recipient, ref.key, outcome}});
}

void Round::enter(queue::LogEntry entry) {
    queue::apply(message_.state, entry);
    entries_.push_back(std::move(entry));
}

void Round::noticed(queue::Noticed noticed, std::int64_t now) {
    enter({now, std::move(noticed)});
}

void Round::expire(std::string_view age, std::int64_t now) {
    if (skipped_) return;
    for (std::uint32_t i = 0; i < routes_.size(); ++i) {
        for (const Target& target : routes_[i].targets) {
            const Ref ref{i, target.key};
            if (!pending(ref) || message_.state.recipients[i].settled()) continue;
            const std::string last = message_.state.recipients[i].target(target.key).last.text;
            note(ref,
                 {Verdict::refused,
                  "4.4.7",
                  "not delivered for " + std::string(age) + ", given up; last: " + last,
                  {}},
                 {}, now);
        }
    }
}

bool Round::has_success() const {
    return std::ranges::any_of(entries_, [](const queue::LogEntry& entry) {
        const auto* attempted = std::get_if<queue::Attempted>(&entry.event);
        return attempted != nullptr && attempted->outcome.verdict == Verdict::delivered;
    });
}

std::vector<queue::LogEntry> Round::take_entries() {
    return std::exchange(entries_, {});
}

void Round::give_back(std::vector<queue::LogEntry> entries) {
    entries.insert(entries.end(), std::make_move_iterator(entries_.begin()),
                   std::make_move_iterator(entries_.end()));
    entries_ = std::move(entries);
}

}  // namespace holdfast::qmgr
