#include "smtpd/qmgr/message_index.h"

#include <utility>

namespace holdfast::qmgr {

MessageIndex::Item* MessageIndex::find(const MessageId& id) {
    const auto at = items_.find(id);
    return at == items_.end() ? nullptr : &*at;
}

MessageIndex::Item& MessageIndex::add(const MessageId& id) {
    const auto [at, fresh] = items_.try_emplace(id);
    if (fresh) ++counts_.at(static_cast<std::size_t>(at->second.phase));
    return *at;
}

void MessageIndex::erase(const MessageId& id) {
    const auto at = items_.find(id);
    if (at == items_.end()) return;
    unschedule(*at);
    --counts_.at(static_cast<std::size_t>(at->second.phase));
    items_.erase(at);
}

void MessageIndex::set_phase(Item& item, Phase phase) {
    --counts_.at(static_cast<std::size_t>(item.second.phase));
    item.second.phase = phase;
    ++counts_.at(static_cast<std::size_t>(phase));
}

void MessageIndex::schedule(Item& item, MonoTime when) {
    unschedule(item);
    item.second.next = when;
    due_.insert(&item);
}

void MessageIndex::unschedule(Item& item) {
    due_.erase(&item);
}

MessageIndex::Item* MessageIndex::take_due(MonoTime now) {
    if (due_.empty() || (*due_.begin())->second.next > now) return nullptr;
    Item* item = *due_.begin();
    unschedule(*item);
    return item;
}

std::optional<MonoTime> MessageIndex::next() const {
    if (due_.empty()) return std::nullopt;
    return (*due_.begin())->second.next;
}

MessageIndex::Item* MessageIndex::behind(const MessageId& id) {
    const auto at = items_.upper_bound(id);
    return at == items_.end() ? nullptr : &*at;
}

}  // namespace holdfast::qmgr
