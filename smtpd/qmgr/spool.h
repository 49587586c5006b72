// The queue library behind the event loop: every call that may wait for the disk runs on the pool's
// threads, and its answer comes back on the loop's.
#pragma once

#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>

#include "queue/disk_pool.h"
#include "queue/store.h"
#include "smtpd/base/error.h"
#include "smtpd/base/life.h"
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
    ~Spool() { pool_.reset(); }

    // `work(store)` on a thread, then `done(result)` on the loop; `done()` where work gives
    // nothing.
    template <class Work, class Done>
    void run(Work work, Done done) {
        using Answer = std::invoke_result_t<Work&, queue::Store&>;
        pool_->run([store = store_.get(), work = std::move(work),
                    answered = later(std::move(done))]() mutable {
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

    // On its way through the loop, which may outlive the spool: drafts and slices in it need the
    // store to the last.
    template <class Done, class Values>
    struct Posted {
        std::shared_ptr<queue::Store> store;
        Done done;
        Values values;
    };

    // A callable for the pool's threads that makes `done` happen on the loop, unless the spool has
    // gone by then.
    template <class Done>
    auto later(Done done) {
        ++under_way_;
        return [this, token = life_.token(), store = store_,
                done = std::move(done)](auto&&... answer) mutable {
            using Values = std::tuple<std::decay_t<decltype(answer)>...>;
            using Whole = Posted<Done, Values>;
            auto posted =
                std::make_shared<Whole>(Whole{std::move(store), std::move(done),
                                              Values(std::forward<decltype(answer)>(answer)...)});
            // Given away: a thread of the pool is not where it should come to its end.
            loop_.post([this, token, posted = std::move(posted)] {
                if (token.expired()) return;
                --under_way_;
                std::apply([&](auto&... each) { posted->done(std::move(each)...); },
                           posted->values);
            });
        };
    }

    Loop& loop_;
    std::shared_ptr<queue::Store> store_;
    std::unique_ptr<queue::DiskPool> pool_;  // ends before the store
    std::size_t under_way_ = 0;
    Life life_;
};

}  // namespace holdfast::qmgr
