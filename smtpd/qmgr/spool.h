// The queue library behind the event loop: every call that may wait for the disk runs on the pool's
// threads, and its answer comes back on the loop's.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

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
        pool_->run([store = store_.get(), work = std::move(work),
                    answered = std::move(answered)]() mutable {
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

    // What the disk has answered and the loop has not yet heard. Not left to the loop itself, which
    // outlives the store that drafts and slices in here belong to.
    struct Answers {
        std::mutex mutex;
        std::vector<std::function<void()>> waiting;
    };

    // A callable for the pool's threads that makes `done` happen on the loop, unless the spool has
    // gone by then.
    template <class Done>
    auto later(Done done) {
        ++under_way_;
        return [this, answers = answers_,
                done = std::make_shared<Done>(std::move(done))](auto&&... answer) mutable {
            using Values = std::tuple<std::decay_t<decltype(answer)>...>;
            auto values = std::make_shared<Values>(std::forward<decltype(answer)>(answer)...);
            post_answer(*answers, [done = std::move(done), values] {
                std::apply([&](auto&... each) { (*done)(std::move(each)...); }, *values);
            });
        };
    }
    void post_answer(Answers& answers, std::function<void()> action);
    void hear_answers();

    Loop& loop_;
    std::unique_ptr<queue::Store> store_;
    std::shared_ptr<Answers> answers_ = std::make_shared<Answers>();  // go before the store
    std::unique_ptr<queue::DiskPool> pool_;                           // ends before both
    std::size_t under_way_ = 0;
};

}  // namespace holdfast::qmgr
