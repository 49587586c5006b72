// The one scheduler: knows every message of the queue, finds those that other processes have
// committed, takes each when it is due, and tries it again later where it must. Begins nothing
// before it holds the lock of the spool, and nothing that an older generation has in hand: two
// schedulers would deliver twice. (How it gets and gives up the lock: deliveries_handover.cpp.)
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "smtpd/loop/watch.h"
#include "smtpd/qmgr/active_message.h"
#include "smtpd/qmgr/crowd.h"
#include "smtpd/qmgr/message_index.h"
#include "smtpd/qmgr/other_committers.h"

namespace holdfast::qmgr {

class Deliveries {
  public:
    // So many messages are loaded from the disk at once, and worked on in all; of their recipients:
    // crowd.h.
    static constexpr std::size_t max_loading = 32;
    static constexpr std::size_t max_active = 5000;

    struct Callbacks {
        std::function<void()> on_lock;   // once: this process has become the one scheduler
        std::function<void()> on_index;  // once: it knows what was in the queue then
        // After release(): what was in hand is at rest, and recorded.
        std::function<void(MessageId)> on_settled;
    };

    // `folder`: the spool's path, to be watched; empty: it cannot be.
    Deliveries(Surroundings& house, std::string folder, Callbacks callbacks);

    // Schedules as soon as no other process does: everything but `held`, which an older generation
    // has in hand. Again: replaces those.
    void schedule(const std::vector<MessageId>& held);
    // Of those some are at rest: their files tell what is left of them.
    void settle(const std::vector<MessageId>& ids);

    // Begins nothing more and lets go of the lock as soon as nothing but messages in hand is being
    // written; `done` hears which those are. Again: tells which they are now. Not followed by
    // schedule().
    using OnRelease = std::function<void(std::vector<MessageId>)>;
    void release(OnRelease done);
    // The same where nobody would be told what is in hand: lets go when nothing is.
    void retire();
    // Begins nothing more; the lock goes with the process.
    void drain();

    // Nothing is under way that will end by itself.
    bool quiet() const;
    bool knows_queue() const { return scanned_ && lock_ && !draining_; }
    bool may_schedule() const { return !draining_; }
    // Why nothing is scheduled here; empty where it is.
    std::string trouble() const;

    // What was committed just now.
    struct Admission {
        queue::Message message;
        std::shared_ptr<const queue::Slice> body;  // where it is in memory
    };
    void admitted(Admission admission);

    // In queue/, by us: a message that nobody has handed in.
    void take_up(const MessageId& id);

    // An agent's line has room for a message that was parked.
    void unpark(const MessageId& id);

    // Tries it now, or once more where it is being tried. Its next attempt is due when it would have
    // been.
    // False where it is not in the queue.
    bool flush(const MessageId& id);
    void flush_all();

    // Removes it without a word to anybody; what an agent has in hand is finished first. False
    // where it is not in the queue, else `done` is told when it is gone, or that it has come into
    // the hands of another generation first.
    enum class Forgotten : std::uint8_t { gone, handed_over };
    using OnForgotten = std::function<void(Forgotten)>;
    bool forget(const MessageId& id, OnForgotten done);

    MessageIndex& index() { return index_; }
    // Of one that is being worked on, else nullptr.
    const queue::Message* active(const MessageId& id) const;

  private:
    using Item = MessageIndex::Item;

    enum class Letting : std::uint8_t { nothing, go_when_written, go_when_at_rest };

    void hold(const MessageId& id);
    void free_held(const MessageId& id);
    void try_lock();
    void locked(Result<std::optional<UniqueFd>> lock);
    void scan();
    void next_batch(const std::shared_ptr<queue::Scan>& scan);
    void take_batch(const queue::Scan::Batch& batch);
    void scanned();
    void scan_again_later(const Error& error);
    void arrived(const std::vector<MessageId>& ids);
    void found(const MessageId& id);
    void try_to_let_go();
    void give_up_rest();
    void rest_elsewhere(const MessageId& id, const Ending& ending);

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
    void remove_finished(const MessageId& id);
    void gone(const MessageId& id);
    void tell_forgotten(const MessageId& id, Forgotten how);
    void tidy();

    Surroundings& house_;
    Callbacks callbacks_;
    OtherCommitters others_;
    MessageIndex index_;
    std::unordered_set<MessageId> held_;  // by older generations: `active` in the index
    std::unordered_map<MessageId, std::unique_ptr<ActiveMessage>> active_;
    std::unordered_multimap<MessageId, OnForgotten> forgetting_;
    std::optional<UniqueFd> lock_;
    Crowd crowd_;
    std::size_t most_recipients_ = 0;  // active at once since memory was given back
    std::size_t loading_ = 0;
    std::size_t chores_ = 0;  // calls about the lock, and removals of what others have finished
    Letting letting_ = Letting::nothing;
    OnRelease on_release_;
    bool wanted_ = false;  // schedule() was called
    bool released_ = false;
    bool draining_ = false;
    bool lock_complained_ = false;
    bool scanning_ = false;
    bool scan_again_ = false;
    bool scanned_ = false;  // once to the end
    Timer due_timer_;
    Timer lock_timer_;
    Timer scan_timer_;
    Timer tidy_timer_;
};

// How much longer a stored message waits for its next attempt, by what its log says: never longer
// than the delay that it was given, wherever the wall clock has gone meanwhile (F48).
Duration remaining_delay(const queue::MessageState& state, Duration delay, std::int64_t now);

// The attempts of the pending recipient that had most of them.
std::uint32_t attempts_of(const queue::MessageState& state);

}  // namespace holdfast::qmgr
