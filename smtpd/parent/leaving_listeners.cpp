#include "smtpd/parent/leaving_listeners.h"

#include <algorithm>

#include "smtpd/parent/outfit.h"

namespace holdfast {

namespace {

// A room may be late.
constexpr Duration kept_for = links::leaving_lease + std::chrono::seconds(1);

bool has(const std::vector<BoundListener>& listeners, const BoundListener& wanted) {
    return std::ranges::any_of(listeners, [&wanted](const BoundListener& one) {
        return same_address(one.plan, wanted.plan);
    });
}

BoundListener copy(const BoundListener& one) {
    return {one.plan, duplicate(one.socket.get())};
}

}  // namespace

void LeavingListeners::replaced(std::vector<BoundListener> before,
                                const std::vector<BoundListener>& now) {
    std::erase_if(all_, [&now](const One& one) { return has(now, one.listener); });
    for (BoundListener& one : before) {
        if (!has(now, one)) all_.push_back({std::move(one), loop_.now() + kept_for});
    }
    let_go();
}

void LeavingListeners::let_go() {
    std::erase_if(all_, [now = loop_.now()](const One& one) { return one.until <= now; });
    timer_.cancel();
    if (!all_.empty()) timer_.set(all_.front().until - loop_.now());
}

std::vector<BoundListener> LeavingListeners::and_those(
    const std::vector<BoundListener>& listeners) const {
    std::vector<BoundListener> result;
    for (const BoundListener& one : listeners) result.push_back(copy(one));
    for (const One& one : all_) result.push_back(copy(one.listener));
    return result;
}

void LeavingListeners::leave(std::vector<links::ListenerState>& state) const {
    for (const One& one : all_) {
        auto [plan, socket] = copy(one.listener);
        state.push_back({std::move(plan), std::move(socket), true});
    }
}

}  // namespace holdfast
