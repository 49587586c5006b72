#include "smtpd/qmgr/deliveries.h"

#include <algorithm>

#include "smtpd/base/log.h"

namespace holdfast::qmgr {

namespace {

constexpr Duration between_lock_attempts = std::chrono::seconds(1);
constexpr Duration disk_pause = std::chrono::minutes(1);
constexpr Duration between_tidyings = std::chrono::hours(1);

// What was settled says nothing about when the rest was tried.
template <class Action>
void for_each_pending(const queue::MessageState& state, Action action) {
    for (const auto& recipient : state.recipients) {
        for (const auto& target : recipient.targets) {
            if (target.progress == queue::Progress::pending) action(target);
        }
    }
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

Deliveries::Deliveries(Surroundings& house, std::function<void()> on_lock)
    : house_(house),
      on_lock_(std::move(on_lock)),
      due_timer_(house_.loop, [this] { run_due(); }),
      lock_timer_(house_.loop, [this] { try_lock(); }),
      tidy_timer_(house_.loop, [this] { tidy(); }) {}

Deliveries::~Deliveries() = default;

// --- The lock, and what a former process left ----------------------------------------------------

void Deliveries::start() {
    if (std::exchange(started_, true)) return;
    try_lock();
}

void Deliveries::try_lock() {
    if (draining_) return;
    if (lock_) return scan();
    house_.spool.run([](queue::Store& store) { return store.try_lock(); },
                     [this, alive = std::weak_ptr(alive_)](Result<std::optional<UniqueFd>> lock) {
                         if (!alive.expired()) locked(std::move(lock));
                     });
}

void Deliveries::locked(Result<std::optional<UniqueFd>> lock) {
    if (draining_) return;
    if (lock && *lock) {
        lock_ = std::move(**lock);
        log::info("scheduling", {});
        scan();
        tidy();
        if (on_lock_) std::exchange(on_lock_, nullptr)();
        return;
    }
    if (!std::exchange(lock_complained_, true)) {
        const std::string why = lock ? "another process schedules this spool" : lock.error().text();
        log::warning("waiting-for-lock", {{"reason", why}});
    }
    lock_timer_.set(between_lock_attempts);
}

void Deliveries::scan() {
    house_.spool.run([](queue::Store& store) { return store.scan(); },
                     [this, alive = std::weak_ptr(alive_)](Result<queue::Scan> scan) {
                         if (alive.expired()) return;
                         if (!scan) return scan_again_later(scan.error());
                         next_batch(std::make_shared<queue::Scan>(std::move(*scan)));
                     });
}

void Deliveries::next_batch(std::shared_ptr<queue::Scan> scan) {
    if (draining_) return;
    house_.spool.run(
        [scan](queue::Store&) { return scan->next(); },
        [this, scan, alive = std::weak_ptr(alive_)](const Result<queue::Scan::Batch>& batch) {
            if (alive.expired()) return;
            if (!batch) return scan_again_later(batch.error());
            take_batch(*batch);
            if (!batch->last) return next_batch(scan);
            log::info("queue-scanned", {{"messages", index_.size()}});
        });
}

void Deliveries::scan_again_later(const Error& error) {
    log::error("scan-failed", {{"reason", error}});
    lock_timer_.set(disk_pause);
}

void Deliveries::take_batch(const queue::Scan::Batch& batch) {
    const MonoTime now = house_.loop.now();
    for (const MessageId& id : batch.ids) {
        if (index_.find(id) != nullptr) continue;  // admitted by us meanwhile
        Item& item = index_.add(id);
        item.second.born = now;
        item.second.repeated = true;
        item.second.by_log = true;
        index_.schedule(item, now);
    }
    for (const std::string& name : batch.strangers) {
        log::warning("spool-stranger", {{"file", "queue/" + name}});
    }
    run_due();
}

// Housekeeping: what drafts a crash left in tmp/.
void Deliveries::tidy() {
    house_.spool.run([now = house_.spool.wall()](queue::Store& store) { return store.reap(now); },
                     [](const Result<unsigned>& count) {
                         if (!count) log::warning("reap-failed", {{"reason", count.error()}});
                     });
    tidy_timer_.set(between_tidyings);
}

// --- Taking them when they are due ---------------------------------------------------------------

void Deliveries::arm() {
    const auto next = index_.next();
    if (!next || !lock_ || draining_) return due_timer_.cancel();
    due_timer_.set(*next - house_.loop.now());
}

void Deliveries::run_due() {
    if (!lock_ || draining_) return;
    const MonoTime now = house_.loop.now();
    while (loading_ < max_loading && active_.size() < max_active) {
        Item* item = index_.take_due(now);
        if (item == nullptr) return arm();
        load(*item);
    }
    due_timer_.cancel();  // whoever ends calls again
}

void Deliveries::load(Item& item) {
    index_.set_phase(item, Phase::active);
    ++loading_;
    house_.spool.run([id = item.first, now = house_.spool.wall()](
                         queue::Store& store) { return store.load(id, now); },
                     [this, id = item.first, alive = std::weak_ptr(alive_)](
                         std::expected<queue::Message, queue::LoadFailure> message) {
                         if (!alive.expired()) loaded(id, std::move(message));
                     });
}

void Deliveries::loaded(const MessageId& id,
                        std::expected<queue::Message, queue::LoadFailure> message) {
    --loading_;
    Item* item = index_.find(id);
    if (item != nullptr) {
        if (!message) {
            not_loaded(*item, message.error());
        } else {
            learn_age(*item, *message);
            const bool wanted = forgetting_.contains(id);
            if (!wanted && (draining_ || still_waits(*item, *message))) {
                index_.set_phase(*item, Phase::deferred);
            } else {
                activate(*item, std::move(*message), nullptr, {});
            }
        }
    }
    run_due();
}

void Deliveries::not_loaded(Item& item, const queue::LoadFailure& failure) {
    const MessageId id = item.first;
    switch (failure.fault) {
        case queue::LoadFault::failed:
            log::error("message-unread", {{"msg", id}, {"reason", failure.error}});
            index_.set_phase(item, Phase::deferred);
            index_.schedule(item, house_.loop.now() + disk_pause);
            return tell_forgetting(id, false);
        case queue::LoadFault::finished:
            house_.spool.run([id](queue::Store& store) { return store.remove(id); },
                             [](const Status&) {});
            return forget_item(id);
        case queue::LoadFault::damaged:
            log::error("message-damaged", {{"msg", id}, {"reason", failure.error}});
            return forget_item(id);
        case queue::LoadFault::newer:
            log::warning("message-newer", {{"msg", id}, {"reason", failure.error}});
            return forget_item(id);
        case queue::LoadFault::gone:
            return forget_item(id);
    }
}

void Deliveries::forget_item(const MessageId& id) {
    index_.erase(id);
    tell_forgetting(id, true);
}

void Deliveries::tell_forgetting(const MessageId& id, bool gone) {
    const auto waiting = forgetting_.extract(id);
    if (waiting.empty()) return;
    for (const auto& done : waiting.mapped()) done(gone);
}

// What a former process knew of it comes from its log, and once only.
void Deliveries::learn_age(Item& item, const queue::Message& message) {
    if (item.second.aged) return;
    item.second.aged = true;
    item.second.attempts = attempts_of(message.state);
    const auto admitted = std::chrono::milliseconds(message.envelope.admitted);
    const auto by_clock = house_.spool.wall().time_since_epoch() - admitted;
    // Milliseconds of absurd size would not fit into nanoseconds.
    const auto bounded = std::clamp<std::chrono::milliseconds>(
        by_clock, -std::chrono::hours(24 * 36500), std::chrono::hours(24 * 36500));
    item.second.born = house_.loop.now() - house_.backoff.age(bounded, item.second.attempts);
}

// True: found by the scan, but not due yet, or held.
bool Deliveries::still_waits(Item& item, const queue::Message& message) {
    if (message.state.held) return true;
    if (!std::exchange(item.second.by_log, false) || item.second.attempts == 0) return false;
    const Duration delay = house_.backoff.delay(item.second.attempts);
    const Duration rest =
        remaining_delay(message.state, delay, house_.spool.wall().time_since_epoch().count());
    if (rest <= Duration::zero()) return false;
    index_.schedule(item, house_.loop.now() + rest);
    return true;
}

// --- Working on them -----------------------------------------------------------------------------

void Deliveries::admitted(queue::Message message, std::shared_ptr<const std::string> bytes,
                          std::vector<queue::LogEntry> verdicts) {
    const MessageId id = message.envelope.id;
    // The scan may have met it between its rename and now: then it has begun already.
    if (index_.find(id) != nullptr) return record(message, std::move(verdicts));
    Item& item = index_.add(id);
    item.second.born = house_.loop.now();
    item.second.aged = true;
    if (lock_ && !draining_ && active_.size() < max_active) {
        for (const auto& verdict : verdicts) queue::apply(message.state, verdict);
        return activate(item, std::move(message), std::move(bytes), std::move(verdicts));
    }
    record(message, std::move(verdicts));
    index_.schedule(item, house_.loop.now());
}

void Deliveries::record(const queue::Message& message, std::vector<queue::LogEntry> verdicts) {
    if (verdicts.empty()) return;
    house_.spool.run(
        [id = message.envelope.id, at = message.log,
         verdicts = std::move(verdicts)](queue::Store& store) {
            return store.record(id, at, verdicts, queue::Durability::lazy);
        },
        [id = message.envelope.id](const Result<queue::LogCursor>& cursor) {
            if (!cursor) log::warning("record-failed", {{"msg", id}, {"reason", cursor.error()}});
        });
}

void Deliveries::activate(Item& item, queue::Message message,
                          std::shared_ptr<const std::string> bytes,
                          std::vector<queue::LogEntry> verdicts) {
    const MessageId id = item.first;
    index_.unschedule(item);
    index_.set_phase(item, Phase::active);
    ActiveMessage::Facts facts{item.second.born, item.second.repeated, std::move(bytes),
                               std::move(verdicts)};
    auto& place = active_[id];
    place =
        std::make_unique<ActiveMessage>(house_, std::move(message), std::move(facts),
                                        [this, id](const Ending& ending) { ended(id, ending); });
    if (forgetting_.contains(id)) place->forget();
    place->start();
}

void Deliveries::ended(const MessageId& id, const Ending& ending) {
    const auto node = active_.extract(id);
    // It is still in the middle of telling us.
    const std::shared_ptr<ActiveMessage> gone(std::move(node.mapped()));
    house_.loop.after_turn([gone] {});
    Item* item = index_.find(id);
    if (item == nullptr) return;
    const MonoTime now = house_.loop.now();
    item->second.repeated = item->second.repeated || ending.repeated;
    switch (ending.kind) {
        case Ending::Kind::gone:
        case Ending::Kind::lost:
            forget_item(id);
            break;
        case Ending::Kind::deferred:
            ++item->second.attempts;
            index_.set_phase(*item, Phase::deferred);
            index_.schedule(*item, now + house_.backoff.delay(item->second.attempts));
            break;
        case Ending::Kind::parked:
            index_.set_phase(*item, Phase::queued);
            break;
    }
    if (gone->wants_again() || forgetting_.contains(id)) {
        if (item = index_.find(id); item != nullptr) index_.schedule(*item, now);
    }
    if (ending.notice && index_.find(*ending.notice) == nullptr) {
        Item& notice = index_.add(*ending.notice);
        notice.second.born = now;
        notice.second.aged = true;
        index_.schedule(notice, now);
    }
    run_due();
}

void Deliveries::unpark(const MessageId& id) {
    Item* item = index_.find(id);
    if (item == nullptr || draining_) return;
    if (const auto at = active_.find(id); at != active_.end()) return at->second->try_again();
    if (item->second.phase == Phase::active) return;  // being loaded
    index_.schedule(*item, house_.loop.now());
    run_due();
}

// --- What people ask for -------------------------------------------------------------------------

bool Deliveries::flush(const MessageId& id) {
    Item* item = index_.find(id);
    if (item == nullptr) return false;
    if (item->second.phase == Phase::active) return true;
    item->second.by_log = false;
    index_.schedule(*item, house_.loop.now());
    run_due();
    return true;
}

void Deliveries::flush_all() {
    const MonoTime now = house_.loop.now();
    for (Item* item = index_.behind({}); item != nullptr; item = index_.behind(item->first)) {
        if (item->second.phase != Phase::active) {
            item->second.by_log = false;
            index_.schedule(*item, now);
        }
    }
    run_due();
}

void Deliveries::forget(const MessageId& id, std::function<void(bool)> done) {
    Item* item = index_.find(id);
    if (item == nullptr) return done(false);
    forgetting_[id].push_back(std::move(done));
    if (const auto at = active_.find(id); at != active_.end()) return at->second->forget();
    if (item->second.phase == Phase::active) return;  // being loaded: forgotten then
    load(*item);
}

const queue::Message* Deliveries::active(const MessageId& id) const {
    const auto at = active_.find(id);
    return at == active_.end() ? nullptr : &at->second->message();
}

void Deliveries::drain() {
    draining_ = true;
    due_timer_.cancel();
    lock_timer_.cancel();
    tidy_timer_.cancel();
}

bool Deliveries::quiet() const {
    return loading_ == 0 &&
           std::ranges::all_of(active_, [](const auto& item) { return item.second->stuck(); });
}

}  // namespace holdfast::qmgr
