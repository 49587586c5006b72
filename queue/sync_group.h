// Many who wait for one sync. No timer: the first to come syncs at once; who comes while a sync is
// running shares the next one, which the same thread makes as soon as the first has ended.
#pragma once

#include <mutex>
#include <vector>

#include "queue/task.h"
#include "smtpd/base/error.h"

namespace holdfast::queue {

class SyncGroup {
  public:
    using Done = Task<void(const Status&)>;

    explicit SyncGroup(Task<Status()> sync) : sync_(std::move(sync)) {}

    // `done` is called after a sync that began after this call began: by this thread before join()
    // returns, or by another thread that is in join() now. Blocks only the thread that syncs.
    void join(Done done);

  private:
    void serve(std::vector<Done> batch);

    Task<Status()> sync_;  // called by one thread at a time
    std::mutex mutex_;
    std::vector<Done> waiting_;
    bool syncing_ = false;
};

}  // namespace holdfast::queue
