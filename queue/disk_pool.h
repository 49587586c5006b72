// The threads that wait for the disk, so that an event loop never does. Commits that are under way
// together share the sync of queue/; a removal, which nobody waits for, shares that of a commit.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "queue/draft.h"
#include "queue/store.h"
#include "queue/sync_group.h"
#include "smtpd/base/error.h"

namespace holdfast::queue {

enum class CommitKind : std::uint8_t {
    accepted,  // on disk, file and name: say 250
    repeated,  // the same submission is on disk or finished: say 250, schedule nothing
    taken,     // the id belongs to somebody else's message
    failed,    // nothing is stored; error->code() is ENOSPC or EDQUOT for a full disk
    unknown,   // in queue/, but perhaps not on disk: refuse temporarily, keep and deliver the
               // message
};

struct Commit {
    CommitKind kind = CommitKind::failed;
    LogCursor log;               // accepted and unknown
    BodyPlace body;              // likewise
    std::optional<Error> error;  // failed and unknown
};

// A message of which nothing is left to do.
struct Settled {
    MessageId id;
    Source source = Source::smtp;
    std::uint32_t uid = 0;
    WallTime now;  // its line in seen/ goes to the file of this day
};

template <class Signature>
using Task = std::move_only_function<Signature>;

class DiskPool {
  public:
    // How long a removal waits for a commit to share its sync, and a line of seen/ for others.
    static constexpr std::chrono::milliseconds usual_patience{100};

    // `store` must outlive the pool. EAGAIN where the threads cannot be had.
    static Result<std::unique_ptr<DiskPool>> start(
        Store& store, unsigned threads, std::chrono::milliseconds patience = usual_patience);

    // Finishes everything that was handed in, callbacks and what they hand in included, then ends
    // the threads. Not to be called by one of them.
    ~DiskPool();
    DiskPool(const DiskPool&) = delete;
    DiskPool& operator=(const DiskPool&) = delete;

    // The calls below don't block and may come from any thread. Callbacks are made by a thread of
    // the pool, exactly once each; they should be short (post to the event loop).

    // Any blocking job, in the order handed in as threads become free.
    void run(Task<void()> job);

    // Publishes the draft, then shares the next sync of queue/.
    void commit(Draft draft, WallTime now, Task<void(Commit)> done);

    // Records a local submission in seen/ and syncs that (shared), unlinks the message, then shares
    // the next sync of queue/; takes its time twice. An error before the unlink leaves the message
    // where it is: try again later, or after a restart, but do not deliver it again.
    void remove(Settled settled, Task<void(Status)> done);

  private:
    DiskPool(Store& store, std::chrono::milliseconds patience);
    Status start_threads(unsigned count);
    void work();
    void wait_for_job(std::unique_lock<std::mutex>& lock);
    void follow(SyncGroup& group, SyncGroup::Done done);
    void finish_commit(const Publication& published, Task<void(Commit)> done);
    void unlink(const MessageId& id, Task<void(Status)> done);
    void record_then_unlink(const Settled& settled, Task<void(Status)> done);

    Store& store_;
    SyncGroup queue_sync_;
    SyncGroup seen_sync_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Task<void()>> jobs_;
    const std::chrono::milliseconds patience_;
    std::optional<std::chrono::steady_clock::time_point> press_at_;  // for those who follow
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace holdfast::queue
