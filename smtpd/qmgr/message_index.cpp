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
    heap_.push_back(nullptr);
    put(heap_.size() - 1, &item);
    rise(heap_.size() - 1);
}

void MessageIndex::unschedule(Item& item) {
    const std::size_t at = item.second.place;
    if (at == unscheduled) return;
    item.second.place = unscheduled;
    Item* last = heap_.back();
    heap_.pop_back();
    if (at == heap_.size()) return;
    put(at, last);
    rise(at);
    sink(last->second.place);
}

MessageIndex::Item* MessageIndex::take_due(MonoTime now) {
    if (heap_.empty() || heap_.front()->second.next > now) return nullptr;
    Item* item = heap_.front();
    unschedule(*item);
    return item;
}

std::optional<MonoTime> MessageIndex::next() const {
    if (heap_.empty()) return std::nullopt;
    return heap_.front()->second.next;
}

MessageIndex::Item* MessageIndex::behind(const MessageId& id) {
    const auto at = items_.upper_bound(id);
    return at == items_.end() ? nullptr : &*at;
}

bool MessageIndex::earlier(std::size_t left, std::size_t right) const {
    return heap_[left]->second.next < heap_[right]->second.next;
}

void MessageIndex::put(std::size_t at, Item* item) {
    heap_[at] = item;
    item->second.place = static_cast<std::uint32_t>(at);
}

void MessageIndex::swap(std::size_t left, std::size_t right) {
    Item* moved = heap_[left];
    put(left, heap_[right]);
    put(right, moved);
}

void MessageIndex::rise(std::size_t at) {
    while (at > 0 && earlier(at, (at - 1) / 2)) {
        swap(at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

void MessageIndex::sink(std::size_t at) {
    while (true) {
        std::size_t first = at;
        for (const std::size_t child : {2 * at + 1, 2 * at + 2}) {
            if (child < heap_.size() && earlier(child, first)) first = child;
        }
        if (first == at) return;
        swap(at, first);
        at = first;
    }
}

}  // namespace holdfast::qmgr
