#include "queue/fs.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <set>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "queue/disk_pool.h"
#include "tests/catch.h"
#include "tests/queue/real_spool.h"
#include "tests/queue/samples.h"

namespace holdfast::queue {

namespace {

struct ScratchFolder {
    ScratchFolder() : root(new_folder()), fd(::open(root.c_str(), O_DIRECTORY | O_CLOEXEC)) {}
    ~ScratchFolder() { std::filesystem::remove_all(root); }
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    void make(const std::string& name, std::string_view bytes) {
        auto file = fs.open(fd.get(), name, Open::create);
        REQUIRE(file);
        REQUIRE(fs.write(file->get(), {bytes}));
    }

    FileSystem& fs = real_file_system();
    std::string root;
    UniqueFd fd;
};

template <class T>
int code(const Result<T>& result) {
    REQUIRE_FALSE(result);
    return result.error().code();
}

mode_t mode_of(const std::string& path) {
    struct stat status{};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    return status.st_mode & 07777;
}

}  // namespace

TEST_CASE("a rename never replaces a file, with the kernel's flag and without") {
    ScratchFolder folder;
    folder.make("a", "a");
    folder.make("b", "b");
    CHECK(code(folder.fs.rename_new(folder.fd.get(), "a", folder.fd.get(), "b")) == EEXIST);
    CHECK(code(folder.fs.link(folder.fd.get(), "a", folder.fd.get(), "b")) == EEXIST);
    CHECK(code(move_new(folder.fs, folder.fd.get(), "a", folder.fd.get(), "b")) == EEXIST);
    CHECK(RealSpool::read(folder.root + "/b") == "b");
    CHECK(move_new(folder.fs, folder.fd.get(), "a", folder.fd.get(), "c"));
    CHECK(RealSpool::read(folder.root + "/c") == "a");
}

TEST_CASE("a new file is ours alone and is never an old one, nor what a link points to") {
    ScratchFolder folder;
    const mode_t mask = ::umask(0);
    folder.make("a", "a");
    REQUIRE(folder.fs.open(folder.fd.get(), "log", Open::append_make));
    ::umask(mask);
    CHECK(mode_of(folder.root + "/a") == 0600);
    CHECK(mode_of(folder.root + "/log") == 0600);
    CHECK(code(folder.fs.open(folder.fd.get(), "a", Open::create)) == EEXIST);
    REQUIRE(::symlink("a", (folder.root + "/link").c_str()) == 0);
    for (const Open how : {Open::read, Open::append, Open::append_make}) {
        CHECK(code(folder.fs.open(folder.fd.get(), "link", how)) == ELOOP);
    }
    CHECK(code(folder.fs.open(folder.fd.get(), "b", Open::append)) == ENOENT);
    CHECK(code(folder.fs.open(folder.fd.get(), "a", Open::folder)) == ENOTDIR);
}

TEST_CASE("no descriptor survives an exec") {
    ScratchFolder folder;
    for (const Open how : {Open::create, Open::read, Open::append, Open::append_make}) {
        const auto file = folder.fs.open(folder.fd.get(), "a", how);
        REQUIRE(file);
        CHECK((::fcntl(file->get(), F_GETFD) & FD_CLOEXEC) != 0);
    }
}

TEST_CASE("appends go to the end, other writes where they should") {
    ScratchFolder folder;
    const auto file = folder.fs.open(folder.fd.get(), "a", Open::create);
    REQUIRE(folder.fs.write(file->get(), {"he", "", "l", "lo\n"}));
    REQUIRE(folder.fs.write(file->get(), {"there\n"}));
    REQUIRE(folder.fs.write_at(file->get(), "J", 0));
    const auto other = folder.fs.open(folder.fd.get(), "a", Open::append);
    REQUIRE(folder.fs.write(file->get(), {"1"}));
    REQUIRE(folder.fs.write(other->get(), {"2"}));
    CHECK(RealSpool::read(folder.root + "/a") == "Jello\nthere\n12");
    const auto reader = folder.fs.open(folder.fd.get(), "a", Open::read);
    std::string buffer(100, ' ');
    CHECK(folder.fs.read_at(reader->get(), buffer, 10).value() == 4);
    CHECK(buffer.starts_with("e\n12"));
    CHECK(folder.fs.info(reader->get())->size == 14);
}

TEST_CASE("a full device is ENOSPC") {
    ScratchFolder folder;
    const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
    REQUIRE(full);
    CHECK(code(folder.fs.write(full.get(), {"x"})) == ENOSPC);
    CHECK(code(folder.fs.write_at(full.get(), "x", 0)) == ENOSPC);
}

TEST_CASE("a folder of thousands is walked in batches, each name once") {
    ScratchFolder folder;
    for (int i = 0; i < 3000; ++i) folder.make("file-" + std::to_string(i), "");
    const auto walk = folder.fs.open(folder.fd.get(), ".", Open::folder);
    std::multiset<std::string> names;
    unsigned batches = 0;
    for (;; ++batches) {
        const auto batch = folder.fs.names(walk->get());
        REQUIRE(batch);
        if (batch->empty()) break;
        names.insert(batch->begin(), batch->end());
    }
    CHECK(batches > 1);
    CHECK(names.size() == 3000);
    CHECK(std::set(names.begin(), names.end()).size() == 3000);
}

TEST_CASE("an empty folder ends at once, and one that is locked stays locked") {
    ScratchFolder folder;
    REQUIRE(folder.fs.make_folder(folder.fd.get(), "empty", 03733));
    CHECK(mode_of(folder.root + "/empty") == 03733);
    const auto walk = folder.fs.open(folder.fd.get(), "empty", Open::folder);
    CHECK(folder.fs.names(walk->get())->empty());
    folder.make("a", "");
    auto first = folder.fs.open(folder.fd.get(), "a", Open::append);
    const auto second = folder.fs.open(folder.fd.get(), "a", Open::append);
    REQUIRE(folder.fs.lock(first->get()));
    CHECK(code(folder.fs.lock(second->get())) == EWOULDBLOCK);
    first->reset();
    CHECK(folder.fs.lock(second->get()));
}

TEST_CASE("a spool that is not there is named") {
    const auto spool = open_spool("/nonexistent/spool");
    REQUIRE_FALSE(spool);
    CHECK(spool.error().text() == "open spool /nonexistent/spool: No such file or directory");
}

TEST_CASE("on the real file system messages are accepted, read, recorded and removed") {
    RealSpool real;
    auto pool = std::move(*DiskPool::start(*real.store, 4));
    DiskPool& same = *pool;  // in callbacks, while `pool` is being reset
    std::atomic<int> accepted = 0;
    std::atomic<int> removed = 0;
    for (unsigned i = 0; i < 100; ++i) {
        auto draft = real.store->draft(i % 2 == 0 ? local_envelope(i) : sample_envelope(i));
        REQUIRE(draft->append(std::string(i * 2000, 'x')));
        pool->commit(std::move(*draft), sample_time, [&, i](const Commit& commit) {
            if (commit.kind != CommitKind::accepted) return;
            ++accepted;
            same.run([&, i, commit] {
                const std::array entries{attempted(0, Verdict::delivered)};
                if (body_of(*real.store, sample_id(i), commit.body).size() != i * 2000) return;
                if (!real.store->record(sample_id(i), commit.log, entries, Durability::synced)) {
                    return;
                }
                const auto message = real.store->load(sample_id(i), sample_time);
                if (!message || !message->state.recipients[0].settled()) return;
                const Envelope& envelope = message->envelope;
                same.remove({envelope.id, envelope.source, envelope.uid, sample_time},
                            [&](const Status& status) { removed += status ? 1 : 0; });
            });
        });
    }
    pool.reset();
    CHECK(accepted == 100);
    CHECK(removed == 100);
    CHECK(queued(*real.store).empty());
    CHECK(std::filesystem::is_empty(real.root + "/tmp"));
    CHECK(real.store->space()->bytes > 0);
}

}  // namespace holdfast::queue
