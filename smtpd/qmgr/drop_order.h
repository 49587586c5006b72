// In which order the files of drop/ are picked up: each user's own one after the other, the users
// in turn, so that a user who leaves a hundred thousand delays nobody else's. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "smtpd/base/message_id.h"

namespace holdfast::qmgr {

class DropOrder {
  public:
    // More than this is not remembered: a later scan finds it again.
    static constexpr std::size_t max_known = 20'000;
    static constexpr std::size_t max_of_user = 1000;

    // Waiting, or taken and not released.
    bool knows(const MessageId& id) const { return known_.contains(id); }
    // False: not remembered.
    bool add(std::uint32_t uid, const MessageId& id);

    // The next one of the next user.
    std::optional<MessageId> take();
    // It is dealt with, or left for a later scan.
    void release(const MessageId& id) { known_.erase(id); }

    bool empty() const { return waiting_.empty(); }
    std::size_t known() const { return known_.size(); }

  private:
    std::map<std::uint32_t, std::deque<MessageId>> waiting_;  // no empty queues
    std::set<MessageId> known_;
    std::uint32_t turn_ = 0;  // the first user from here on is next
};

}  // namespace holdfast::qmgr
