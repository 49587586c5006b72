// Many who wait for one sync. No timer: the first to join syncs at once; who joins while a sync is
// running shares the next one, which the same thread makes as soon as the first has ended. Who has
// time follows: he shares the next sync that somebody else needs.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "smtpd/base/error.h"

namespace holdfast::queue {

class SyncGroup {
  public:
    using Done = std::move_only_function<void(const Status&)>;

    explicit SyncGroup(std::function<Status()> sync) : sync_(std::move(sync)) {}

    // `done` is called after a sync that began after this call began: by this thread before join()
    // returns, or by another thread that is in join() now. Blocks only the thread that syncs.
    void join(Done done);

    // As join(), but makes no sync: does not block. The owner sees to it that join() or press() is
    // called before long.
    void follow(Done done);

    // Syncs if somebody follows.
    void press();

  private:
    std::function<Status()> sync_;  // called by one thread at a time
    std::mutex mutex_;
    std::vector<Done> waiting_;
    std::vector<Done> following_;
    bool syncing_ = false;
};

}  // namespace holdfast::queue
