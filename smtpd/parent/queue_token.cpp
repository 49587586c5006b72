#include "smtpd/parent/queue_token.h"

#include <algorithm>
#include <utility>

namespace holdfast {

namespace {

// Calls `use(part, more)` for parts that fit into a message; once for none at all.
template <class Use>
void in_parts(const std::vector<MessageId>& ids, Use use) {
    std::size_t begin = 0;
    do {
        const std::size_t end = std::min(begin + links::max_ids_in_message, ids.size());
        use(std::vector(ids.begin() + static_cast<std::ptrdiff_t>(begin),
                        ids.begin() + static_cast<std::ptrdiff_t>(end)),
            end < ids.size());
        begin = end;
    } while (begin < ids.size());
}

}  // namespace

void QueueToken::pass_to(std::uint32_t heir) {
    heir_ = heir;
    given_ = false;
    holds_[heir];
    for (auto& [generation, holder] : holds_) {
        if (generation != heir && holder.up && !holder.released)
            send_(generation, links::Release{});
    }
    give();
}

void QueueToken::withdraw(std::uint32_t generation) {
    Holder& holder = holds_[generation];
    holder.released = true;
    if (holder.up) send_(generation, links::Release{});
    give();
}

void QueueToken::qmgr_up(std::uint32_t generation) {
    holds_[generation].up = true;
    if (generation == heir_) return give();
    // One that came back has nothing in hand; it learns that it is not to schedule. A newcomer
    // waits for pass_to().
    const bool newcomer = generation > heir_ && !holds_[generation].released;
    if (!newcomer) send_(generation, links::Release{});
}

void QueueToken::qmgr_down(std::uint32_t generation, Agents agents) {
    Holder& holder = holds_[generation];
    holder.up = false;
    if (generation == heir_) given_ = false;
    holder.lost = agents == Agents::alive;
    if (!holder.lost) dead(generation);
}

void QueueToken::dead(std::uint32_t generation) {
    Holder& holder = holds_[generation];
    const bool was_lost = std::exchange(holder.lost, false);
    if (generation == heir_ || (holder.up && !was_lost)) return;
    if (!holder.up) holder.released = true;
    settle({holder.in_hand.begin(), holder.in_hand.end()});
    holder.in_hand.clear();
    give();
}

void QueueToken::on(std::uint32_t generation, links::Released&& said) {
    Holder& holder = holds_[generation];
    if (generation == heir_) return;  // the first generation has been told nothing else
    holder.in_hand.insert(said.in_hand.begin(), said.in_hand.end());
    if (said.more) return;
    holder.released = true;
    give();
}

void QueueToken::on(std::uint32_t generation, links::Settled&& said) {
    if (generation == heir_) return;
    for (const MessageId& id : said.ids) holds_[generation].in_hand.erase(id);
    settle(std::move(said.ids));
}

// One that has not been given the schedule yet learns then what is in hand.
void QueueToken::settle(std::vector<MessageId> ids) {
    if (!given_ || ids.empty()) return;
    in_parts(ids, [this](std::vector<MessageId> part, bool) {
        send_(heir_, links::Settled{std::move(part)});
    });
}

bool QueueToken::all_released() const {
    return std::ranges::all_of(holds_, [this](const auto& one) {
        return one.first == heir_ || (one.second.released && !one.second.lost);
    });
}

void QueueToken::go_on() {
    held_back_ = false;
    give();
}

void QueueToken::give() {
    const auto heir = holds_.find(heir_);  // none before the first generation
    const bool ready = heir != holds_.end() && heir->second.up && !held_back_ && all_released();
    if (given_ || !ready) return;
    given_ = true;
    std::vector<MessageId> in_hand;
    for (const auto& [generation, holder] : holds_) {
        in_hand.insert(in_hand.end(), holder.in_hand.begin(), holder.in_hand.end());
    }
    in_parts(in_hand, [this](std::vector<MessageId> part, bool more) {
        send_(heir_, links::Schedule{std::move(part), more});
    });
}

void QueueToken::adopt(std::uint32_t generation, Hold hold, Qmgr qmgr) {
    Holder& holder = holds_[generation];
    static_cast<Hold&>(holder) = std::move(hold);
    holder.up = qmgr == Qmgr::up;
    heir_ = generation;
    // What could be told has been told.
    given_ = holds_[heir_].up && all_released();
}

}  // namespace holdfast
