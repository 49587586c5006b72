#include "smtpd/qmgr/drop_order.h"

namespace holdfast::qmgr {

bool DropOrder::add(std::uint32_t uid, const MessageId& id) {
    if (known_.size() >= max_known || known_.contains(id)) return false;
    const auto own = waiting_.find(uid);
    if (own != waiting_.end() && own->second.size() >= max_of_user) return false;
    waiting_[uid].push_back(id);
    known_.insert(id);
    return true;
}

std::optional<MessageId> DropOrder::take() {
    if (waiting_.empty()) return std::nullopt;
    auto user = waiting_.lower_bound(turn_);
    if (user == waiting_.end()) user = waiting_.begin();
    const MessageId id = user->second.front();
    turn_ = user->first + 1;
    user->second.pop_front();
    if (user->second.empty()) waiting_.erase(user);
    return id;
}

}  // namespace holdfast::qmgr
