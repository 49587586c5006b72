// The one scheduler: knows every message of the queue, finds those that a former process left,
// takes each when it is due, and tries it again later where it must. Begins nothing before it holds
// the lock of the spool: two schedulers would deliver twice.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "smtpd/loop/watch.h"
#include "smtpd/qmgr/active_message.h"
#include "smtpd/qmgr/crowd.h"
#include "smtpd/qmgr/message_index.h"

namespace holdfast::qmgr {

class Deliveries {
  public:
    // So many messages are loaded from the disk at once, and worked on in all; of their recipients:
    // crowd.h.
    static constexpr std::size_t max_loading = 32;
    static constexpr std::size_t max_active = 5000;

    // `on_lock` is called once, when this process has become the one scheduler.
    Deliveries(Surroundings& house, std::function<void()> on_lock);

    // Begins to schedule, as soon as no other process does.
    void start() { try_lock(); }
    // Begins nothing more.
    void drain();
    // Nothing is under way that will end by itself.
    bool quiet() const;
    bool holds_lock() const { return lock_.has_value(); }

    // What was committed just now.
    struct Admission {
        queue::Message message;
        std::shared_ptr<const queue::Slice> body;  // where it is in memory
    };
    void admitted(Admission admission);

    // An agent's line has room for a message that was parked.
    void unpark(const MessageId& id);

    // Tries it now, unless it is being tried. Its next attempt is due when it would have been.
    // False where it is not in the queue.
    bool flush(const MessageId& id);
    void flush_all();

    // Removes it without a word to anybody; what an agent has in hand is finished first. False
    // where it is not in the queue, else `done` is told when it is gone.
    bool forget(const MessageId& id, std::function<void()> done);

    MessageIndex& index() { return index_; }
    // Of one that is being worked on, else nullptr.
    const queue::Message* active(const MessageId& id) const;

  private:
    using Item = MessageIndex::Item;

    void try_lock();
    void locked(Result<std::optional<UniqueFd>> lock);
    void scan();
    void next_batch(const std::shared_ptr<queue::Scan>& scan);
    void take_batch(const queue::Scan::Batch& batch);
    void scan_again_later(const Error& error);

    void run_due();
    Item* next_due();
    void join_line(Item& item);
    void load(Item& item);
    void loaded(Item& item, Phase before, queue::Message message);
    void not_loaded(Item& item, const queue::LoadFailure& failure);
    bool still_waits(Item& item, Phase before, const queue::Message& message);
    void activate(Item& item, queue::Message message, std::shared_ptr<const queue::Slice> body);
    void ended(const MessageId& id, const Ending& ending);
    void rest(Item& item, Phase phase, std::optional<MonoTime> until);
    void try_now(Item& item);
    void force(Item& item);
    void let_go(std::unique_ptr<ActiveMessage> message);
    void gone(const MessageId& id);
    void tidy();

    Surroundings& house_;
    std::function<void()> on_lock_;
    MessageIndex index_;
    std::unordered_map<MessageId, std::unique_ptr<ActiveMessage>> active_;
    std::unordered_multimap<MessageId, std::function<void()>> forgetting_;
    std::optional<UniqueFd> lock_;
    Crowd crowd_;
    std::size_t most_recipients_ = 0;  // active at once since memory was given back
    std::size_t loading_ = 0;
    bool draining_ = false;
    bool lock_complained_ = false;
    Timer due_timer_;
    Timer lock_timer_;
    Timer tidy_timer_;
};

// How much longer a stored message waits for its next attempt, by what its log says: never longer
// than the delay that it was given, wherever the wall clock has gone meanwhile (F48).
Duration remaining_delay(const queue::MessageState& state, Duration delay, std::int64_t now);

// The attempts of the pending recipient that had most of them.
std::uint32_t attempts_of(const queue::MessageState& state);

}  // namespace holdfast::qmgr
