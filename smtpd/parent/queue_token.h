// Who schedules the queue: of all living qmgrs the one of the serving generation, once every older
// one has let go. Two schedulers would deliver twice; a message that an older qmgr has in hand is
// nobody else's until that one has settled it, or is dead and its agents with it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <vector>

#include "smtpd/base/message_id.h"
#include "smtpd/links/parent_qmgr.h"

namespace holdfast {

class QueueToken {
  public:
    // To the qmgr of a generation that is up.
    using Send = std::function<void(std::uint32_t generation, links::ParentToQmgr message)>;

    explicit QueueToken(Send send) : send_(std::move(send)) {}

    // The schedule goes to this generation, which is newer than all others but those that have been
    // withdrawn; the one that had it is asked to release it.
    void pass_to(std::uint32_t heir);

    // A qmgr has come up (after pass_to() for its generation, or again).
    void qmgr_up(std::uint32_t generation);
    // It has died. `agents_live`: dead() follows when they don't.
    enum class Agents : std::uint8_t { gone, alive };
    void qmgr_down(std::uint32_t generation, Agents agents);
    // Neither qmgr nor agents of this generation have anything in hand.
    void dead(std::uint32_t generation);
    // Somebody unknown may be delivering yet: nobody is given the schedule until go_on().
    void hold_back() { held_back_ = true; }
    void go_on();

    // This generation, which no pass_to() has named, will never be the heir: it finishes what it
    // has begun.
    void withdraw(std::uint32_t generation);
    // The generation has ended.
    void forget(std::uint32_t generation);

    void on(std::uint32_t generation, links::Released&& said);
    void on(std::uint32_t generation, links::Settled&& said);

    // For a successor in this process.
    struct Hold {
        bool schedules = false;  // its qmgr was told to, and has not said Released since
        bool lost = false;  // its qmgr died, and agents live: nobody knows what they have in hand
        std::set<MessageId> in_hand;
    };
    const Hold& hold(std::uint32_t generation) { return holds_[generation]; }
    bool held_back() const { return held_back_; }
    enum class Qmgr : std::uint8_t { up, down };
    // Oldest first; the last one serves.
    void adopt(std::uint32_t generation, Hold hold, Qmgr qmgr);

  private:
    struct Holder : Hold {
        bool up = false;
        bool withdrawn = false;
    };

    void give();
    void release(std::uint32_t generation);
    bool is_free() const;
    void settle(std::vector<MessageId> ids);

    Send send_;
    std::map<std::uint32_t, Holder> holds_;
    std::uint32_t heir_ = 0;  // 0: none yet
    bool held_back_ = false;
};

}  // namespace holdfast
