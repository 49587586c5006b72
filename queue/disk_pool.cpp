#include "queue/disk_pool.h"

#include <array>
#include <system_error>
#include <utility>

#include "smtpd/base/signals_blocked.h"

namespace holdfast::queue {

DiskPool::DiskPool(Store& store, std::chrono::milliseconds patience)
    : store_(store),
      queue_sync_([&store] { return store.sync_queue(); }),
      seen_sync_([&store] { return store.seen().sync(); }),
      patience_(patience) {}

Result<std::unique_ptr<DiskPool>> DiskPool::start(Store& store, unsigned threads,
                                                  std::chrono::milliseconds patience) {
    std::unique_ptr<DiskPool> pool(new DiskPool(store, patience));
    if (const auto started = pool->start_threads(threads); !started) {
        return started.error().in("start disk threads");
    }
    return pool;
}

Status DiskPool::start_threads(unsigned count) {
    const SignalsBlocked blocked;  // they belong to the thread with the event loop
    try {
        while (threads_.size() < count) threads_.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
        return std::unexpected(Error(error.code().value(), "create a thread"));
    }
    return {};
}

DiskPool::~DiskPool() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) thread.join();
}

void DiskPool::work() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wait_for_job(lock);
        if (jobs_.empty()) return;
        Task<void()> job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job();
        job = nullptr;  // what it owns may block too
        lock.lock();
    }
}

// Returns without a job when the pool ends. What a busy thread hands in yet, that thread does; what
// waits for company is synced first.
void DiskPool::wait_for_job(std::unique_lock<std::mutex>& lock) {
    while (jobs_.empty() && !(stopping_ && !press_at_)) {
        if (!press_at_) {
            wake_.wait(lock);
        } else if (stopping_ || wake_.wait_until(lock, *press_at_) == std::cv_status::timeout) {
            if (!press_at_) continue;  // another thread was quicker
            press_at_.reset();
            jobs_.emplace_back([this] {
                seen_sync_.press();
                queue_sync_.press();
            });
        }
    }
}

void DiskPool::follow(SyncGroup& group, SyncGroup::Done done) {
    if (patience_ == std::chrono::milliseconds::zero()) return group.join(std::move(done));
    group.follow(std::move(done));
    {
        const std::lock_guard lock(mutex_);
        if (press_at_) return;
        press_at_ = std::chrono::steady_clock::now() + patience_;
    }
    wake_.notify_one();
}

void DiskPool::run(Task<void()> job) {
    {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(job));
    }
    wake_.notify_one();
}

void DiskPool::commit(Draft draft, WallTime now, Task<void(Commit)> done) {
    run([this, draft = std::move(draft), now, done = std::move(done)]() mutable {
        const auto published = draft.publish(now);
        if (published) return finish_commit(*published, std::move(done));
        Commit commit;
        commit.error = published.error();
        done(std::move(commit));
    });
}

void DiskPool::finish_commit(const Publication& published, Task<void(Commit)> done) {
    if (published.kind == Published::taken) {
        return done(Commit{CommitKind::taken, {}, {}, {}});
    }
    // For a repeat too: the first submission may be waiting for its sync at this moment.
    const bool fresh = published.kind == Published::fresh;
    queue_sync_.join([published, fresh, done = std::move(done)](const Status& synced) mutable {
        Commit commit{
            fresh ? CommitKind::accepted : CommitKind::repeated, published.log, published.body, {}};
        if (!synced) {
            commit.kind = fresh ? CommitKind::unknown : CommitKind::failed;
            commit.error = synced.error();
        }
        done(std::move(commit));
    });
}

void DiskPool::remove(Settled settled, Task<void(Status)> done) {
    run([this, settled, done = std::move(done)]() mutable {
        if (settled.source != Source::local) return unlink(settled.id, std::move(done));
        record_then_unlink(settled, std::move(done));
    });
}

void DiskPool::record_then_unlink(const Settled& settled, Task<void(Status)> done) {
    const std::array submission{Submission{settled.uid, settled.id}};
    const auto appended = store_.seen().append(submission, settled.now);
    if (!appended) return done(appended);
    follow(seen_sync_,
           [this, id = settled.id, done = std::move(done)](const Status& synced) mutable {
               if (!synced) return done(synced);
               // By another thread: this one has the next sync of seen/ to make.
               run([this, id, done = std::move(done)]() mutable { unlink(id, std::move(done)); });
           });
}

void DiskPool::unlink(const MessageId& id, Task<void(Status)> done) {
    const auto removed = store_.remove(id);
    if (!removed) return done(removed);
    follow(queue_sync_, [done = std::move(done)](const Status& synced) mutable { done(synced); });
}

}  // namespace holdfast::queue
