// How the schedule comes to this process and leaves it again: the lock of the spool, what is found
// in queue/, and what an older generation still has in hand.
#include <algorithm>

#include "smtpd/base/log.h"
#include "smtpd/base/panic.h"
#include "smtpd/qmgr/deliveries.h"
#include "smtpd/qmgr/memory.h"

namespace holdfast::qmgr {

namespace {

constexpr Duration between_lock_attempts = std::chrono::seconds(1);
constexpr Duration disk_pause = std::chrono::minutes(1);

}  // namespace

// --- What others have in hand --------------------------------------------------------------------

void Deliveries::schedule(const std::vector<MessageId>& held) {
    if (released_ || letting_ != Letting::nothing) panic("Schedule after Release");
    const auto before = std::exchange(held_, {held.begin(), held.end()});
    for (const MessageId& id : held) {
        if (!before.contains(id)) hold(id);
    }
    for (const MessageId& id : before) {
        if (!held_.contains(id)) free_held(id);
    }
    if (!std::exchange(wanted_, true)) return try_lock();
    run_due();
}

// Known from now on, so that no scan takes it up. What is in our own hands is nobody else's.
void Deliveries::hold(const MessageId& id) {
    Item* known = index_.find(id);
    if (known != nullptr && known->second.phase == Phase::active) {
        held_.erase(id);
        return;
    }
    Item& item = index_.add(id);
    index_.unschedule(item);
    item.second.in_line = false;
    index_.set_phase(item, Phase::active);
}

// It may have been given to an agent that died with its qmgr.
void Deliveries::free_held(const MessageId& id) {
    Item* item = index_.find(id);
    if (item == nullptr) return;
    item->second.repeated = true;
    rest(*item, Phase::found, house_.loop.now());
}

void Deliveries::settle(const std::vector<MessageId>& ids) {
    for (const MessageId& id : ids) {
        if (held_.erase(id) > 0) free_held(id);
    }
    run_due();
}

// --- The lock ------------------------------------------------------------------------------------

void Deliveries::try_lock() {
    if (draining_ || lock_) return;
    ++chores_;
    house_.spool.run([](queue::Store& store) { return store.try_lock(); },
                     [this](Result<std::optional<UniqueFd>> lock) {
                         --chores_;
                         locked(std::move(lock));
                     });
}

void Deliveries::locked(Result<std::optional<UniqueFd>> lock) {
    if (draining_) {
        lock = std::nullopt;
        return try_to_let_go();
    }
    if (lock && *lock) {
        lock_ = std::move(**lock);
        log::info("scheduling", {{"held", held_.size()}});
        others_.start();
        tidy();
        return callbacks_.on_lock();
    }
    if (!std::exchange(lock_complained_, true)) {
        const std::string why = lock ? "another process schedules this spool" : lock.error().text();
        log::warning("waiting-for-lock", {{"reason", why}});
    }
    lock_timer_.set(between_lock_attempts);
}

std::string Deliveries::trouble() const {
    if (released_ || letting_ != Letting::nothing) {
        return "nothing is delivered from here: a later generation schedules this spool";
    }
    if (draining_) return "nothing is delivered: the queue manager is ending";
    if (!wanted_) return "nothing is delivered yet: an older generation lets go of the queue";
    if (!lock_) return "nothing is delivered: another process schedules this spool";
    return {};
}

// --- What is in queue/ ---------------------------------------------------------------------------

void Deliveries::scan() {
    if (draining_) return;
    scan_again_ = scanning_;
    if (std::exchange(scanning_, true)) return;
    house_.spool.run([](queue::Store& store) { return store.scan(); },
                     [this](Result<queue::Scan> scan) {
                         if (!scan) return scan_again_later(scan.error());
                         next_batch(std::make_shared<queue::Scan>(std::move(*scan)));
                     });
}

void Deliveries::next_batch(const std::shared_ptr<queue::Scan>& scan) {
    if (draining_) return;
    house_.spool.run([scan](queue::Store&) { return scan->next(); },
                     [this, scan](const Result<queue::Scan::Batch>& batch) {
                         if (!batch) return scan_again_later(batch.error());
                         take_batch(*batch);
                         if (!batch->last) return next_batch(scan);
                         scanned();
                     });
}

void Deliveries::scanned() {
    scanning_ = false;
    if (!std::exchange(scanned_, true)) {
        log::info("queue-scanned", {{"messages", index_.size()}});
        callbacks_.on_index();
    }
    if (std::exchange(scan_again_, false)) scan();
}

void Deliveries::scan_again_later(const Error& error) {
    log::error("scan-failed", {{"reason", error}});
    scanning_ = false;
    scan_timer_.set(disk_pause);
}

void Deliveries::take_batch(const queue::Scan::Batch& batch) {
    if (draining_) return;
    for (const MessageId& id : batch.ids) found(id);
    for (const std::string& name : batch.strangers) {
        log::warning("spool-stranger", {{"file", "queue/" + name}});
    }
    run_due();
}

void Deliveries::take_up(const MessageId& id) {
    arrived({id});
}

void Deliveries::arrived(const std::vector<MessageId>& ids) {
    if (!lock_ || draining_) return;
    for (const MessageId& id : ids) found(id);
    run_due();
}

// What was there when this process took the lock may have been tried by one that was killed; what
// came later was not. On a disk that is not trusted any more, files lie that we are done with.
void Deliveries::found(const MessageId& id) {
    if (index_.find(id) != nullptr || !house_.health.trusted()) return;
    Item& item = index_.add(id);
    item.second.repeated = !scanned_;
    rest(item, Phase::found, house_.loop.now());
}

// --- Its end -------------------------------------------------------------------------------------

void Deliveries::drain() {
    draining_ = true;
    due_timer_.cancel();
    lock_timer_.cancel();
    scan_timer_.cancel();
    tidy_timer_.cancel();
    others_.stop();
}

void Deliveries::release(OnRelease done) {
    drain();
    house_.agents.drain();
    house_.destinations.drain();
    on_release_ = std::move(done);
    letting_ = Letting::go_when_written;
    try_to_let_go();
}

void Deliveries::retire() {
    drain();
    house_.agents.drain();
    house_.destinations.drain();
    on_release_ = nullptr;
    if (!released_) letting_ = Letting::go_when_at_rest;
    try_to_let_go();
}

// The next scheduler must find everything as it was left: nothing that this one has begun may be
// written after it has let go, but about messages in hand.
void Deliveries::try_to_let_go() {
    if (letting_ == Letting::nothing || loading_ + chores_ > 0) return;
    if (!others_.quiet()) return others_.when_quiet([this] { try_to_let_go(); });
    const bool anything_in_hand =
        std::ranges::any_of(active_, [](const auto& item) { return item.second->in_hand(); });
    if (letting_ == Letting::go_when_at_rest && anything_in_hand) return;
    letting_ = Letting::nothing;
    if (!std::exchange(released_, true)) {
        give_up_rest();
        lock_.reset();
    }
    std::vector<MessageId> in_hand;
    for (const auto& [id, message] : active_) in_hand.push_back(id);
    log::info("released", {{"in-hand", in_hand.size()}});
    if (const auto tell = std::exchange(on_release_, nullptr)) tell(std::move(in_hand));
}

// All that nothing was done about yet, and what is known of the rest of the queue.
void Deliveries::give_up_rest() {
    held_.clear();
    std::vector<MessageId> forgotten;
    for (Item* item = index_.behind({}); item != nullptr;) {
        const auto [id, item_recipients] = std::pair(item->first, item->second.recipients);
        item = index_.behind(id);
        const auto at = active_.find(id);
        if (at != active_.end() && at->second->in_hand()) continue;
        if (at != active_.end()) {
            crowd_.leave(item_recipients);
            active_.erase(at);
        }
        if (forgetting_.contains(id)) forgotten.push_back(id);
        index_.erase(id);
    }
    for (const MessageId& id : forgotten) tell_forgotten(id, Forgotten::handed_over);
    give_memory_back();
}

// It was recorded here, and is somebody else's from now on.
void Deliveries::rest_elsewhere(const MessageId& id, const Ending& ending) {
    const bool is_gone = ending.kind == Ending::Kind::gone || ending.kind == Ending::Kind::lost;
    index_.erase(id);
    tell_forgotten(id, is_gone ? Forgotten::gone : Forgotten::handed_over);
    callbacks_.on_settled(id);
}

}  // namespace holdfast::qmgr
