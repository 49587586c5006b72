#include "smtpd/qmgr/spool.h"

namespace holdfast::qmgr {

Result<std::unique_ptr<Spool>> Spool::open(Loop& loop, queue::FileSystem& fs, UniqueFd folder,
                                           unsigned threads) {
    auto store = queue::Store::open(fs, std::move(folder));
    if (!store) return store.error().in("open the spool");
    auto pool = queue::DiskPool::start(**store, threads);
    if (!pool) return pool.error().in("start the threads for the disk");
    std::unique_ptr<Spool> spool(new Spool(loop));
    spool->store_ = std::move(*store);
    spool->pool_ = std::move(*pool);
    return spool;
}

Spool::~Spool() {
    pool_.reset();
    answers_.reset();
}

// The first to come wakes the loop, for all that come until it has woken.
void Spool::post_answer(Answers& answers, std::function<void()> action) {
    bool first = false;
    {
        const std::lock_guard lock(answers.mutex);
        first = answers.waiting.empty();
        answers.waiting.push_back(std::move(action));
    }
    if (!first) return;
    loop_.post([this, alive = std::weak_ptr(answers_)] {
        if (!alive.expired()) hear_answers();
    });
}

void Spool::hear_answers() {
    std::vector<std::function<void()>> answers;
    {
        const std::lock_guard lock(answers_->mutex);
        answers.swap(answers_->waiting);
    }
    for (const auto& answer : answers) {
        --under_way_;
        answer();
    }
}

void Spool::commit(queue::Draft draft, std::function<void(queue::Commit)> done) {
    pool_->commit(std::move(draft), wall(), later(std::move(done)));
}

void Spool::remove(queue::Settled settled, std::function<void(Status)> done) {
    pool_->remove(settled, later(std::move(done)));
}

void Spool::discard(queue::Draft draft) {
    if (draft.in_memory()) return;
    run([kept = std::move(draft)](
            queue::Store&) mutable { const queue::Draft gone = std::move(kept); },
        [] {});
}

}  // namespace holdfast::qmgr
