#include "smtpd/parent/queue_token.h"

#include <algorithm>
#include <utility>

namespace holdfast {

void QueueToken::pass_to(std::uint32_t heir) {
    const std::uint32_t before = std::exchange(heir_, heir);
    holds_[heir];
    release(before);
    give();
}

void QueueToken::withdraw(std::uint32_t generation) {
    holds_[generation].withdrawn = true;
    release(generation);
}

void QueueToken::release(std::uint32_t generation) {
    const auto found = holds_.find(generation);
    if (found != holds_.end() && found->second.up) send_(generation, links::Release{});
}

void QueueToken::forget(std::uint32_t generation) {
    holds_.erase(generation);
    give();
}

void QueueToken::qmgr_up(std::uint32_t generation) {
    Holder& holder = holds_[generation];
    holder.up = true;
    if (generation == heir_) return give();
    // One that came back has nothing in hand; it learns that it is not to schedule. A newcomer
    // waits for pass_to().
    if (generation < heir_ || holder.withdrawn) release(generation);
}

void QueueToken::qmgr_down(std::uint32_t generation, Agents agents) {
    Holder& holder = holds_[generation];
    holder.up = false;
    holder.schedules = false;
    holder.lost = agents == Agents::alive;
    if (!holder.lost) dead(generation);
}

void QueueToken::dead(std::uint32_t generation) {
    Holder& holder = holds_[generation];
    const bool was_lost = std::exchange(holder.lost, false);
    if (generation == heir_ || (holder.up && !was_lost)) return;
    const auto in_hand = std::exchange(holder.in_hand, {});
    settle({in_hand.begin(), in_hand.end()});
    give();
}

void QueueToken::on(std::uint32_t generation, links::Released&& said) {
    if (generation == heir_) return;  // it was not asked
    Holder& holder = holds_[generation];
    holder.in_hand.insert(said.in_hand.begin(), said.in_hand.end());
    if (said.more) return;
    holder.schedules = false;
    give();
}

void QueueToken::on(std::uint32_t generation, links::Settled&& said) {
    if (generation == heir_) return;
    for (const MessageId& id : said.ids) holds_[generation].in_hand.erase(id);
    settle(std::move(said.ids));
}

// One that has not been given the schedule yet learns then what is in hand.
void QueueToken::settle(std::vector<MessageId> ids) {
    const auto heir = holds_.find(heir_);
    if (heir == holds_.end() || !heir->second.schedules || ids.empty()) return;
    links::in_parts(ids, [this](std::vector<MessageId> part, bool) {
        send_(heir_, links::Settled{std::move(part)});
    });
}

// Nobody but the heir schedules, or may have handed a message to an agent that lives.
bool QueueToken::is_free() const {
    return std::ranges::none_of(holds_, [this](const auto& one) {
        return one.first != heir_ && (one.second.schedules || one.second.lost);
    });
}

void QueueToken::go_on() {
    held_back_ = false;
    give();
}

void QueueToken::give() {
    const auto heir = holds_.find(heir_);
    if (heir == holds_.end() || heir->second.schedules) return;
    if (!heir->second.up || held_back_ || !is_free()) return;
    heir->second.schedules = true;
    std::vector<MessageId> in_hand;
    for (const auto& [generation, holder] : holds_) {
        in_hand.insert(in_hand.end(), holder.in_hand.begin(), holder.in_hand.end());
    }
    links::in_parts(in_hand, [this](std::vector<MessageId> part, bool more) {
        send_(heir_, links::Schedule{std::move(part), more});
    });
}

void QueueToken::adopt(std::uint32_t generation, Hold hold, Qmgr qmgr) {
    Holder& holder = holds_[generation];
    static_cast<Hold&>(holder) = std::move(hold);
    holder.up = qmgr == Qmgr::up;
    heir_ = generation;
}

}  // namespace holdfast
