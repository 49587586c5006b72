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
