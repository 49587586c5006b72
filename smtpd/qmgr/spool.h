// The queue library behind the event loop: every call that may wait for the disk runs on the pool's
// threads, and its answer comes back on the loop's.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "queue/disk_pool.h"
#include "queue/store.h"
#include "smtpd/base/error.h"
#include "smtpd/loop/loop.h"

namespace holdfast::qmgr {

class Spool {
  public:
    // As many commits wait for the disk at once.
    static constexpr unsigned default_threads = 32;

    // Blocks: at the start of the room only. `folder` as from queue::open_spool(). `fs` and `loop`
    // outlive the spool.
    static Result<std::unique_ptr<Spool>> open(Loop& loop, queue::FileSystem& fs, UniqueFd folder,
                                               unsigned threads = default_threads);
    // Finishes what is under way on the disk. Nothing is called back any more.
    ~Spool();

    // `work(store)` on a thread, then `done(result)` on the loop; `done()` where work gives
    // nothing.
    template <class Work, class Done>
    void run(Work work, Done done) {
        using Answer = std::invoke_result_t<Work&, queue::Store&>;
        auto answered = later(std::move(done));
        pool_->run([store = store_.get(), work = std::move(work), answered]() mutable {
            if constexpr (std::is_void_v<Answer>) {
                work(*store);
                answered();
            } else {
                answered(work(*store));
            }
        });
    }

    void commit(queue::Draft draft, std::function<void(queue::Commit)> done);
    void remove(queue::Settled settled, std::function<void(Status)> done);
    // Unlinks what it may have written.
    void discard(queue::Draft draft);

    // For calls that do not block.
    queue::Store& store() { return *store_; }
    WallTime wall() const { return loop_.clock().wall(); }

    // Calls that have not been answered yet.
    std::size_t under_way() const { return under_way_; }

  private:
    explicit Spool(Loop& loop) : loop_(loop) {}

    // A callable for the pool's threads that makes `done` happen on the loop, unless the spool has
    // gone by then.
    template <class Done>
    auto later(Done done) {
        ++under_way_;
        return [this, alive = std::weak_ptr(alive_), &loop = loop_,
                done = std::make_shared<Done>(std::move(done))](auto&&... answer) {
            using Answers = std::tuple<std::decay_t<decltype(answer)>...>;
            auto kept = std::make_shared<Answers>(std::forward<decltype(answer)>(answer)...);
            loop.post([this, alive, done, kept] {
                if (alive.expired()) return;
                --under_way_;
                std::apply([&](auto&... values) { (*done)(std::move(values)...); }, *kept);
            });
        };
    }

    Loop& loop_;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
    std::unique_ptr<queue::Store> store_;
    std::unique_ptr<queue::DiskPool> pool_;  // ends before the store
    std::size_t under_way_ = 0;
};

}  // namespace holdfast::qmgr
