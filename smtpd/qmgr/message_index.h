// Every message of the queue in about 100 bytes, and the order in which they are due. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "smtpd/base/clock.h"
#include "smtpd/base/message_id.h"

namespace holdfast::qmgr {

enum class Phase : std::uint8_t {
    queued,    // waits for its first attempt
    active,    // an attempt is under way, or being loaded or removed
    deferred,  // waits for another attempt
};

class MessageIndex {
  public:
    struct Entry {
        MonoTime born;                      // of the admission: ages count from here
        MonoTime next;                      // meaningful while it is scheduled
        std::uint32_t place = unscheduled;  // in the heap
        std::uint32_t attempts = 0;
        Phase phase = Phase::queued;
        bool repeated = false;  // an attempt may have delivered without our knowing
        bool aged = false;      // `born` and `attempts` are known, not assumed
        bool by_log = false;    // found by a scan: its log will say when it is due
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
    static constexpr std::uint32_t unscheduled = UINT32_MAX;

    bool earlier(std::size_t left, std::size_t right) const;
    void put(std::size_t at, Item* item);
    void swap(std::size_t left, std::size_t right);
    void rise(std::size_t at);
    void sink(std::size_t at);

    std::map<MessageId, Entry> items_;
    std::vector<Item*> heap_;
    std::array<std::size_t, 3> counts_{};
};

}  // namespace holdfast::qmgr
