#include "smtpd/qmgr/deliveries.h"

#include <algorithm>

#include "smtpd/base/log.h"
#include "smtpd/qmgr/memory.h"

namespace holdfast::qmgr {

namespace {

constexpr Duration disk_pause = std::chrono::minutes(1);
constexpr Duration between_tidyings = std::chrono::hours(1);
constexpr std::size_t burst = 5000;  // recipients: their memory is worth to be given back
constexpr std::chrono::milliseconds absurd_age = std::chrono::hours(24 * 36500);

// What was settled says nothing about when the rest was tried.
template <class Action>
void for_each_pending(const queue::MessageState& state, Action action) {
    for (const auto& recipient : state.recipients) {
        for (const auto& target : recipient.targets) {
            if (target.progress == queue::Progress::pending) action(target);
        }
    }
}

std::uint32_t recipients_of(const queue::Message& message) {
    return static_cast<std::uint32_t>(message.envelope.recipients.size());
}

}  // namespace

std::uint32_t attempts_of(const queue::MessageState& state) {
    std::uint32_t most = 0;
    for_each_pending(state, [&](const auto& target) { most = std::max(most, target.attempts); });
    return most;
}

Duration remaining_delay(const queue::MessageState& state, Duration delay, std::int64_t now) {
    std::int64_t last = 0;
    for_each_pending(state, [&](const auto& target) { last = std::max(last, target.last_time); });
    if (last == 0) return Duration::zero();
    // In milliseconds throughout: a time of the year 9999 would not fit into nanoseconds.
    const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(delay).count();
    const std::int64_t passed = std::clamp<std::int64_t>(now - last, 0, whole);
    return std::chrono::milliseconds(whole - passed);
}

Deliveries::Deliveries(Surroundings& house, std::string folder, Callbacks callbacks)
    : house_(house),
      callbacks_(std::move(callbacks)),
      others_(house_.loop, house_.spool, std::move(folder),
              {[this](const std::vector<MessageId>& ids) { arrived(ids); }, [this] { scan(); }}),
      due_timer_(house_.loop, [this] { run_due(); }),
      lock_timer_(house_.loop, [this] { try_lock(); }),
      scan_timer_(house_.loop, [this] { scan(); }),
      tidy_timer_(house_.loop, [this] { tidy(); }) {}

// Housekeeping: what drafts a crash left in tmp/.
void Deliveries::tidy() {
    house_.spool.run([now = house_.spool.wall()](queue::Store& store) { return store.reap(now); },
                     [](const Result<unsigned>& count) {
                         if (!count) log::warning("reap-failed", {{"reason", count.error()}});
                     });
    tidy_timer_.set(between_tidyings);
}

// --- Taking them when they are due ---------------------------------------------------------------

void Deliveries::run_due() {
    due_timer_.cancel();
    if (!lock_ || draining_) return;
    while (loading_ < max_loading && active_.size() < max_active) {
        Item* item = next_due();
        if (item == nullptr) {
            if (const auto next = index_.next()) due_timer_.set(*next - house_.loop.now());
            break;
        }
        load(*item);
    }
    // Whoever ends calls again.
    house_.agents.press(crowd_.others_wait());
}

// That there is room for.
Deliveries::Item* Deliveries::next_due() {
    while (const auto id = crowd_.next()) {
        Item* item = index_.find(*id);
        if (item != nullptr && item->second.in_line) return item;
    }
    while (Item* item = index_.take_due(house_.loop.now())) {
        if (item->second.in_line) continue;
        if (crowd_.fits(item->second.recipients)) return item;
        join_line(*item);
    }
    return nullptr;
}

void Deliveries::join_line(Item& item) {
    item.second.in_line = true;
    crowd_.wait(item.first, item.second.recipients);
}

void Deliveries::load(Item& item) {
    const Phase before = item.second.phase;
    index_.unschedule(item);
    index_.set_phase(item, Phase::active);
    item.second.in_line = false;
    ++loading_;
    crowd_.enter(item.second.recipients);
    house_.spool.run(
        [id = item.first, now = house_.spool.wall()](queue::Store& store) {
            return store.load(id, now);
        },
        // Nothing is forgotten while it is being loaded.
        [this, &item, before](std::expected<queue::Message, queue::LoadFailure> message) {
            --loading_;
            crowd_.leave(item.second.recipients);
            if (message) {
                loaded(item, before, std::move(*message));
            } else {
                not_loaded(item, message.error());
            }
            run_due();
            try_to_let_go();
        });
}

void Deliveries::loaded(Item& item, Phase before, queue::Message message) {
    if (!item.second.born) {
        // What a former process knew of it comes from its log. Milliseconds of absurd size would
        // not fit into nanoseconds.
        const auto admitted = std::chrono::milliseconds(message.envelope.admitted);
        const auto by_clock = std::clamp<std::chrono::milliseconds>(
            house_.spool.wall().time_since_epoch() - admitted, -absurd_age, absurd_age);
        item.second.born =
            house_.loop.now() - house_.backoff.age(by_clock, attempts_of(message.state));
    }
    const bool unread = std::exchange(item.second.recipients, recipients_of(message)) == 0;
    const bool forgotten = forgetting_.contains(item.first);
    if (!forgotten && (draining_ || still_waits(item, before, message))) {
        return index_.set_phase(item, Phase::deferred);
    }
    if (!forgotten && unread && !crowd_.fits(item.second.recipients)) {
        index_.set_phase(item, before);
        return join_line(item);
    }
    activate(item, std::move(message), nullptr);
}

// True: found by the scan, but not due yet.
bool Deliveries::still_waits(Item& item, Phase before, const queue::Message& message) {
    const std::uint32_t attempts = attempts_of(message.state);
    if (before != Phase::found || attempts == 0) return false;
    const Duration rest = remaining_delay(message.state, house_.backoff.delay(attempts),
                                          house_.spool.wall().time_since_epoch().count());
    if (rest <= Duration::zero()) return false;
    index_.schedule(item, house_.loop.now() + rest);
    return true;
}

void Deliveries::not_loaded(Item& item, const queue::LoadFailure& failure) {
    const MessageId id = item.first;
    switch (failure.fault) {
        case queue::LoadFault::failed:
            log::error("message-unread", {{"msg", id}, {"reason", failure.error}});
            index_.set_phase(item, Phase::deferred);
            return index_.schedule(item, house_.loop.now() + disk_pause);
        case queue::LoadFault::finished:
            remove_finished(id);
            break;
        case queue::LoadFault::newer:
            log::warning("message-newer", {{"msg", id}, {"reason", failure.error}});
            break;
        case queue::LoadFault::damaged:
        case queue::LoadFault::gone:
            break;
    }
    gone(id);
}

void Deliveries::gone(const MessageId& id) {
    index_.erase(id);
    tell_forgotten(id, Forgotten::gone);
}

void Deliveries::tell_forgotten(const MessageId& id, Forgotten how) {
    const auto [first, last] = forgetting_.equal_range(id);
    std::vector<OnForgotten> waiting;
    for (auto at = first; at != last; ++at) waiting.push_back(std::move(at->second));
    forgetting_.erase(id);
    for (const auto& done : waiting) done(how);
}

// Its delivery is recorded; its removal was interrupted.
void Deliveries::remove_finished(const MessageId& id) {
    ++chores_;
    house_.spool.run([id](queue::Store& store) { return store.remove(id); },
                     [this](const Status&) {
                         --chores_;
                         try_to_let_go();
                     });
}

// --- Working on them -----------------------------------------------------------------------------

void Deliveries::admitted(Admission admission) {
    const MessageId id = admission.message.envelope.id;
    // Whoever schedules finds it.
    if (!lock_ || draining_) return;
    // A scan may have met it between its rename and now: then it has begun already.
    if (index_.find(id) != nullptr) return;
    Item& item = index_.add(id);
    item.second.born = house_.loop.now();
    item.second.recipients = recipients_of(admission.message);
    const bool fits = active_.size() < max_active && crowd_.fits(item.second.recipients);
    // And may even be done with it: then the file is gone.
    const bool met = scanning_ || others_.present();
    if (fits && !met) {
        return activate(item, std::move(admission.message), std::move(admission.body));
    }
    rest(item, Phase::queued, house_.loop.now());
}

void Deliveries::activate(Item& item, queue::Message message,
                          std::shared_ptr<const queue::Slice> body) {
    const MessageId id = item.first;
    index_.unschedule(item);
    index_.set_phase(item, Phase::active);
    item.second.again = false;
    crowd_.enter(item.second.recipients);
    most_recipients_ = std::max(most_recipients_, crowd_.recipients());
    auto& place = active_[id];
    place = std::make_unique<ActiveMessage>(
        house_, std::move(message),
        ActiveMessage::Facts{*item.second.born, item.second.repeated,
                             item.second.due ? Attempt::forced : Attempt::due, std::move(body)},
        [this, id](const Ending& ending) { ended(id, ending); });
    if (forgetting_.contains(id)) place->forget();
    place->start();
}

void Deliveries::ended(const MessageId& id, const Ending& ending) {
    std::unique_ptr<ActiveMessage> message = std::move(active_.extract(id).mapped());
    Item& item = *index_.find(id);
    crowd_.leave(item.second.recipients);
    const MonoTime now = house_.loop.now();
    const std::uint32_t attempts = attempts_of(message->message().state);
    let_go(std::move(message));
    if (released_) return rest_elsewhere(id, ending);
    item.second.repeated = item.second.repeated || ending.repeated;
    switch (ending.kind) {
        case Ending::Kind::gone:
        case Ending::Kind::lost:
            gone(id);
            break;
        case Ending::Kind::deferred: {
            // A forced attempt changes nothing about when it is tried next.
            const auto due = std::exchange(item.second.due, std::nullopt);
            const MonoTime until = due && *due > now ? *due : now + house_.backoff.delay(attempts);
            if (item.second.again) item.second.due = until;
            rest(item, Phase::deferred, until);
            break;
        }
        case Ending::Kind::parked:
            rest(item, Phase::queued, {});  // until it is called for
            break;
    }
    if (ending.notice && index_.find(*ending.notice) == nullptr) {
        Item& notice = index_.add(*ending.notice);
        notice.second.born = now;
        notice.second.recipients = 1;
        rest(notice, Phase::queued, now);
    }
    run_due();
    try_to_let_go();
}

// It is still in the middle of telling us.
void Deliveries::let_go(std::unique_ptr<ActiveMessage> message) {
    const bool over = most_recipients_ > burst && crowd_.recipients() < most_recipients_ / 8;
    if (over) most_recipients_ = crowd_.recipients();
    house_.loop.after_turn(
        [kept = std::shared_ptr<ActiveMessage>(std::move(message)), over]() mutable {
            kept.reset();
            if (over) give_memory_back();
        });
}

// It waits, where `until` is nothing for unpark(), unless somebody wants it to be tried again at
// once, or gone.
void Deliveries::rest(Item& item, Phase phase, std::optional<MonoTime> until) {
    index_.set_phase(item, phase);
    const bool at_once =
        std::exchange(item.second.again, false) || forgetting_.contains(item.first);
    if (at_once) until = house_.loop.now();
    if (until) index_.schedule(item, *until);
}

void Deliveries::unpark(const MessageId& id) {
    Item* item = index_.find(id);
    if (item == nullptr) return;
    item->second.again = item->second.phase == Phase::active;
    try_now(*item);
    run_due();
}

// --- What people ask for -------------------------------------------------------------------------

void Deliveries::try_now(Item& item) {
    if (item.second.phase == Phase::active) return;
    if (item.second.phase == Phase::found) index_.set_phase(item, Phase::queued);
    index_.schedule(item, house_.loop.now());
}

void Deliveries::force(Item& item) {
    MessageIndex::Entry& entry = item.second;
    if (entry.phase == Phase::deferred && !entry.due && entry.next > house_.loop.now())
        entry.due = entry.next;
    // What is under way began before whoever asks had mended anything.
    entry.again = entry.phase == Phase::active;
    try_now(item);
}

bool Deliveries::flush(const MessageId& id) {
    Item* item = index_.find(id);
    if (item == nullptr) return false;
    force(*item);
    run_due();
    return true;
}

void Deliveries::flush_all() {
    for (Item* item = index_.behind({}); item != nullptr; item = index_.behind(item->first)) {
        force(*item);
    }
    run_due();
}

bool Deliveries::forget(const MessageId& id, OnForgotten done) {
    Item* item = index_.find(id);
    if (item == nullptr) return false;
    forgetting_.emplace(id, std::move(done));
    if (const auto at = active_.find(id); at != active_.end()) {
        at->second->forget();
    } else if (item->second.phase != Phase::active) {
        load(*item);
    }
    return true;
}

const queue::Message* Deliveries::active(const MessageId& id) const {
    const auto at = active_.find(id);
    return at == active_.end() ? nullptr : &at->second->message();
}

bool Deliveries::quiet() const {
    return loading_ == 0 &&
           std::ranges::all_of(active_, [](const auto& item) { return item.second->stuck(); });
}

}  // namespace holdfast::qmgr
