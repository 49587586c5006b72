#include "smtpd/control/large_turn.h"

#include <algorithm>

namespace holdfast::control {

LargeTurn::Place LargeTurn::ask(std::uint32_t uid, std::function<void()> granted) {
    const Place place = ++last_place_;
    waiting_.push_back({place, uid, std::move(granted)});
    if (!holder_) grant_next();
    return place;
}

void LargeTurn::leave(Place place) {
    std::erase_if(waiting_, [place](const Waiter& waiter) { return waiter.place == place; });
    if (holder_ != place) return;
    holder_.reset();
    grant_next();
}

void LargeTurn::grant_next() {
    if (waiting_.empty()) return;
    auto next = std::ranges::find_if(
        waiting_, [this](const Waiter& waiter) { return waiter.uid != last_uid_; });
    if (next == waiting_.end()) next = waiting_.begin();
    const Waiter chosen = std::move(*next);
    waiting_.erase(next);
    holder_ = chosen.place;
    last_uid_ = chosen.uid;
    chosen.granted();
}

}  // namespace holdfast::control
