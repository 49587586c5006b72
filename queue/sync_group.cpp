#include "queue/sync_group.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace holdfast::queue {

void SyncGroup::join(Done done) {
    std::unique_lock lock(mutex_);
    waiting_.push_back(std::move(done));
    // The sync that is running may have begun before our work was done: it does not count.
    if (syncing_) return;
    syncing_ = true;
    while (!waiting_.empty()) {
        auto batch = std::exchange(waiting_, {});
        std::ranges::move(following_, std::back_inserter(batch));
        following_.clear();
        lock.unlock();
        const Status synced = sync_();
        for (Done& one : batch) one(synced);
        lock.lock();
    }
    syncing_ = false;
}

void SyncGroup::follow(Done done) {
    const std::lock_guard lock(mutex_);
    following_.push_back(std::move(done));
}

void SyncGroup::press() {
    {
        const std::lock_guard lock(mutex_);
        if (following_.empty()) return;
    }
    join([](const Status&) {});
}

}  // namespace holdfast::queue
