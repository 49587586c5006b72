#include "queue/disk_pool.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <latch>
#include <semaphore>
#include <thread>

#include <signal.h>

#include "tests/catch.h"
#include "tests/queue/samples.h"

namespace holdfast::queue {

namespace {

std::unique_ptr<DiskPool> start_pool(Store& store, unsigned threads) {
    auto pool = DiskPool::start(store, threads, std::chrono::milliseconds::zero());
    REQUIRE(pool);
    return std::move(*pool);
}

std::future<Commit> commit(DiskPool& pool, Store& store, const Envelope& envelope) {
    auto draft = store.draft(envelope);
    REQUIRE(draft);
    REQUIRE(draft->append("Hello.\n"));
    auto promise = std::make_shared<std::promise<Commit>>();
    pool.commit(std::move(*draft), sample_time,
                [promise](Commit result) { promise->set_value(std::move(result)); });
    return promise->get_future();
}

std::future<Status> remove(DiskPool& pool, const Envelope& envelope) {
    auto promise = std::make_shared<std::promise<Status>>();
    pool.remove({envelope.id, envelope.source, envelope.uid, sample_time},
                [promise](Status status) { promise->set_value(std::move(status)); });
    return promise->get_future();
}

std::ptrdiff_t count(const FakeFileSystem& fs, const std::string& call) {
    const auto log = fs.log();
    return std::ranges::count(log, call);
}

}  // namespace

TEST_CASE("F38 a commit is told after a sync of the folder that followed its rename") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const auto pool = start_pool(*store, 1);
    fs.forget_log();
    CHECK(commit(*pool, *store, sample_envelope(1)).get().kind == CommitKind::accepted);
    const auto log = fs.log();
    REQUIRE(log.size() == 5);
    CHECK(log[3] == "rename queue");
    CHECK(log[4] == "sync queue");
}

TEST_CASE("who comes while a sync is running waits for the next one, and all share it") {
    std::binary_semaphore began(0);
    std::binary_semaphore end(0);
    std::atomic<unsigned> syncs = 0;
    std::atomic<unsigned> served = 0;
    SyncGroup group([&] {
        ++syncs;
        began.release();
        end.acquire();
        return Status();
    });
    const auto join = [&] { group.join([&](const Status&) { ++served; }); };
    std::jthread leader(join);
    REQUIRE(began.try_acquire_for(std::chrono::seconds(10)));
    // These return at once: the leader serves them, but not with the sync that is under way.
    for (int i = 0; i < 10; ++i) join();
    end.release();
    REQUIRE(began.try_acquire_for(std::chrono::seconds(10)));
    CHECK(served == 1);
    end.release();
    leader.join();
    CHECK(syncs == 2);
    CHECK(served == 11);
    std::jthread next(join);
    REQUIRE(began.try_acquire_for(std::chrono::seconds(10)));
    end.release();
    next.join();
    CHECK(syncs == 3);
}

TEST_CASE("who follows shares the next sync that somebody joins") {
    unsigned syncs = 0;
    unsigned served = 0;
    SyncGroup group([&] {
        ++syncs;
        return Status();
    });
    for (int i = 0; i < 3; ++i) group.follow([&](const Status&) { ++served; });
    CHECK(served == 0);
    group.join([&](const Status&) { ++served; });
    CHECK(served == 4);
    CHECK(syncs == 1);
    group.press();  // nobody follows any more
    CHECK(syncs == 1);
    group.follow([&](const Status&) { ++served; });
    group.press();
    CHECK(served == 5);
    CHECK(syncs == 2);
}

TEST_CASE("the end of a pool does not wait for the patience of a removal") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    auto pool = DiskPool::start(*store, 2, std::chrono::seconds(3));
    REQUIRE(pool);
    std::atomic<int> told = 0;
    for (int i = 0; i < 3; ++i) {
        (*pool)->remove({MessageId::generate(WallTime()), Source::local, 1, WallTime()},
                        [&](const Status& status) {
                            CHECK(status);
                            ++told;
                        });
    }
    const auto began = std::chrono::steady_clock::now();
    pool->reset();
    CHECK(told == 3);
    // seen/ and then queue/: two waits of three seconds where it does wait.
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(3));
}

TEST_CASE("a removal that finds no company is synced after a while") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    auto pool = DiskPool::start(*store, 2, std::chrono::milliseconds(1));
    REQUIRE(pool);
    std::latch told(1);
    (*pool)->remove({MessageId::generate(WallTime()), Source::smtp, 0, WallTime()},
                    [&](const Status&) { told.count_down(); });
    told.wait();
}

TEST_CASE("commits that are under way together share one sync of the folder") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const auto pool = start_pool(*store, 8);
    // The first sync waits until the seven others have their names.
    std::latch renamed(8);
    std::atomic<int> syncs = 0;
    fs.forget_log();
    fs.before = [&](const std::string& call) {
        if (call == "sync queue" && ++syncs == 1) renamed.wait();
        if (call == "rename queue") renamed.count_down();
    };
    std::vector<std::future<Commit>> commits;
    for (unsigned i = 0; i < 8; ++i) commits.push_back(commit(*pool, *store, sample_envelope(i)));
    for (auto& each : commits) CHECK(each.get().kind == CommitKind::accepted);
    // Whoever was between its rename and its place in the group may have needed a third one.
    CHECK(count(fs, "sync queue") <= 3);
}

TEST_CASE("F39 after a failed sync of the folder commits are unknown, and nothing is lost") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const auto pool = start_pool(*store, 2);
    fs.fail = [](const std::string& call) { return call == "sync queue" ? EIO : 0; };
    const Commit first = commit(*pool, *store, local_envelope(1)).get();
    CHECK(first.kind == CommitKind::unknown);
    CHECK(first.error->code() == EIO);
    fs.fail = nullptr;
    CHECK(queued(*store).size() == 1);
    CHECK(commit(*pool, *store, sample_envelope(2)).get().kind == CommitKind::unknown);
    // Its name may still be in memory only: "already have it" would be a lie.
    CHECK(commit(*pool, *store, local_envelope(1)).get().kind == CommitKind::failed);
}

TEST_CASE("a failed commit says why and stores nothing") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const auto pool = start_pool(*store, 2);
    fs.fail = [](const std::string& call) { return call == "sync tmp file" ? ENOSPC : 0; };
    const Commit failed = commit(*pool, *store, sample_envelope(1)).get();
    CHECK(failed.kind == CommitKind::failed);
    CHECK(failed.error->code() == ENOSPC);
    CHECK(queued(*store).empty());
}

TEST_CASE("a repeat is answered after a sync of its own") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const auto pool = start_pool(*store, 2);
    REQUIRE(publish(*store, local_envelope(1), "Hello.\n"));
    fs.forget_log();
    CHECK(commit(*pool, *store, local_envelope(1)).get().kind == CommitKind::repeated);
    CHECK(count(fs, "sync queue") == 1);
    CHECK(commit(*pool, *store, local_envelope(1, 1001)).get().kind == CommitKind::taken);
}

TEST_CASE("a local message is in seen/, on disk, before it is unlinked") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const auto pool = start_pool(*store, 2);
    REQUIRE(commit(*pool, *store, local_envelope(1)).get().kind == CommitKind::accepted);
    fs.forget_log();
    CHECK(remove(*pool, local_envelope(1)).get());
    CHECK(fs.log() == std::vector<std::string>{"open seen", "open seen", "open seen",
                                               "read seen file", "write seen file",
                                               "sync seen file", "sync seen", "remove queue",
                                               "sync queue"});
    CHECK(commit(*pool, *store, local_envelope(1)).get().kind == CommitKind::repeated);
    CHECK(queued(*store).empty());
}

TEST_CASE("a removal that seen/ does not know of does not happen") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const auto pool = start_pool(*store, 2);
    const std::string call = GENERATE("open seen", "write seen file", "sync seen file");
    REQUIRE(commit(*pool, *store, local_envelope(1)).get().kind == CommitKind::accepted);
    fs.fail = [&](const std::string& called) { return called == call ? ENOSPC : 0; };
    CHECK(remove(*pool, local_envelope(1)).get().error().code() == ENOSPC);
    CHECK(queued(*store).size() == 1);
}

TEST_CASE("a removal is told after the folder was synced, and an error is told too") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const auto pool = start_pool(*store, 2);
    for (unsigned i = 1; i < 4; ++i) accept(*store, sample_envelope(i), "x");
    fs.forget_log();
    CHECK(remove(*pool, sample_envelope(1)).get());
    CHECK(fs.log() == std::vector<std::string>{"remove queue", "sync queue"});
    fs.fail = [](const std::string& called) { return called == "remove queue" ? EROFS : 0; };
    CHECK(remove(*pool, sample_envelope(2)).get().error().code() == EROFS);
    fs.fail = [](const std::string& called) { return called == "sync queue" ? EIO : 0; };
    CHECK_FALSE(remove(*pool, sample_envelope(3)).get());
}

TEST_CASE("the end of a pool waits for all that was handed in, and for what that handed in") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const unsigned threads = GENERATE(1U, 4U);
    std::atomic<int> removed = 0;
    auto pool = start_pool(*store, threads);
    for (unsigned i = 0; i < 50; ++i) {
        auto draft = store->draft(local_envelope(i));
        DiskPool& same = *pool;
        pool->commit(std::move(*draft), sample_time, [&, i](const Commit& result) {
            if (result.kind != CommitKind::accepted) return;
            same.remove({sample_id(i), Source::local, 1000, sample_time},
                        [&](const Status& status) { removed += status ? 1 : 0; });
        });
    }
    pool.reset();
    CHECK(removed == 50);
    CHECK(queued(*store).empty());
    CHECK(fs.find("tmp")->entries.empty());
}

TEST_CASE("a job that blocks does not keep others waiting, and signals stay with the others") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const auto pool = start_pool(*store, 2);
    std::promise<void> release;
    std::promise<sigset_t> mask;
    pool->run([released = release.get_future()]() mutable { released.wait(); });
    pool->run([&] {
        sigset_t set;
        pthread_sigmask(SIG_SETMASK, nullptr, &set);
        mask.set_value(set);
    });
    const sigset_t set = mask.get_future().get();
    CHECK(sigismember(&set, SIGTERM) == 1);
    release.set_value();
}

}  // namespace holdfast::queue
