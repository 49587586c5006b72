// Every message of the queue in about 180 bytes, and the order in which they are due. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "smtpd/base/clock.h"
#include "smtpd/base/message_id.h"

namespace holdfast::qmgr {

enum class Phase : std::uint8_t {
    found,     // by a scan: its log says when it is due
    queued,    // waits for its first attempt
    active,    // an attempt is under way, or being loaded or removed
    deferred,  // waits for another attempt
};

class MessageIndex {
  public:
    struct Entry {
        MonoTime next{};               // meaningful while it is scheduled
        std::optional<MonoTime> born;  // of the admission, ages count from here; set when loaded
        std::optional<MonoTime> due;   // when it would be, had nobody forced an attempt before
        std::uint32_t recipients = 0;  // 0: not known yet
        Phase phase = Phase::queued;
        bool repeated = false;  // an attempt may have delivered without our knowing
        bool again = false;     // is to be tried again as soon as it is no longer active
        bool in_line = false;   // due, and waits for room among the active ones (Crowd)
    };
    using Item = std::pair<const MessageId, Entry>;

    // Stays where it is until it is erased; nullptr where it is unknown.
    Item* find(const MessageId& id);
    // The item of `id`, new or not.
    Item& add(const MessageId& id);
    void erase(const MessageId& id);

    void set_phase(Item& item, Phase phase);
    std::size_t count(Phase phase) const { return counts_.at(static_cast<std::size_t>(phase)); }
    std::size_t size() const { return items_.size(); }

    // Again: moves it.
    void schedule(Item& item, MonoTime when);
    void unschedule(Item& item);
    // The one that is due first, if it is due by `now`: no longer scheduled.
    Item* take_due(MonoTime now);
    std::optional<MonoTime> next() const;

    // The first item behind `id` in the order of ids; nullptr at the end.
    Item* behind(const MessageId& id);

  private:
    struct Sooner {
        bool operator()(const Item* left, const Item* right) const {
            return std::pair(left->second.next, left) < std::pair(right->second.next, right);
        }
    };

    std::map<MessageId, Entry> items_;
    std::set<Item*, Sooner> due_;
    std::array<std::size_t, 4> counts_{};
};

}  // namespace holdfast::qmgr
