#include "queue/sync_group.h"

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
        lock.unlock();
        serve(std::move(batch));
        lock.lock();
    }
    syncing_ = false;
}

void SyncGroup::serve(std::vector<Done> batch) {
    const Status synced = sync_();
    for (Done& done : batch) done(synced);
}

}  // namespace holdfast::queue
