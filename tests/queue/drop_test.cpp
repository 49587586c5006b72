#include "queue/drop.h"

#include <algorithm>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/queue/real_spool.h"
#include "tests/queue/samples.h"

namespace holdfast::queue {

namespace {

constexpr std::uint64_t limit = 1'000'000;

struct RealDrop : RealSpool {
    RealDrop() : drop(Drop::open(*store, getegid()).value()) {}

    std::string name(unsigned number) const { return drop_name(sample_id(number)); }
    std::string path(unsigned number) const { return root + "/drop/" + name(number); }

    DropFault fault(unsigned number) {
        const auto file = drop.take(name(number), limit);
        REQUIRE_FALSE(file);
        return file.error().fault;
    }

    Drop drop;
};

}  // namespace

TEST_CASE("F31 what sendmail left in drop/ is read, with its owner") {
    RealDrop real;
    real.write(real.path(1), "packets");
    const auto file = real.drop.take(real.name(1), limit);
    REQUIRE(file);
    CHECK(file->uid == geteuid());
    CHECK(file->length == 7);
    std::string bytes(100, '\0');
    REQUIRE(::read(file->file.get(), bytes.data(), bytes.size()) == 7);
    CHECK(bytes.starts_with("packets"));
    REQUIRE(real.drop.remove(real.name(1)));
    REQUIRE(real.drop.remove(real.name(1)));
    CHECK(real.fault(1) == DropFault::gone);
}

TEST_CASE(
    "F31 links, pipes, folders and sockets in drop/ are unfit, and none is followed or waited "
    "for") {
    RealDrop real;
    real.write(real.root + "/secret", "secret");
    REQUIRE(::symlink((real.root + "/secret").c_str(), real.path(1).c_str()) == 0);
    REQUIRE(::link((real.root + "/secret").c_str(), real.path(2).c_str()) == 0);
    REQUIRE(::mkfifo(real.path(3).c_str(), 0666) == 0);
    REQUIRE(::mkdir(real.path(4).c_str(), 0777) == 0);
    REQUIRE(::mknod(real.path(5).c_str(), S_IFSOCK | 0666, 0) == 0);
    // Nobody may hang here for long.
    ::alarm(5);
    for (unsigned i = 1; i <= 5; ++i) {
        INFO(i);
        CHECK(real.fault(i) == DropFault::unfit);
    }
    ::alarm(0);
    for (unsigned i = 1; i <= 5; ++i) CHECK(real.drop.quarantine(real.name(i)));
    CHECK(std::filesystem::is_empty(real.root + "/drop"));
    CHECK(real.store->quarantined() == 5U);
}

TEST_CASE("F31 a file of another group was not created in drop/") {
    if (geteuid() != 0) return;
    RealDrop real;
    real.write(real.path(1), "packets");
    REQUIRE(::chown(real.path(1).c_str(), 12345, 12345) == 0);
    CHECK(real.fault(1) == DropFault::unfit);
}

TEST_CASE("F31 a sparse file of 1 TiB is too large, and one that grows ends where it was") {
    RealDrop real;
    real.write(real.path(1), "");
    REQUIRE(::truncate(real.path(1).c_str(), 1LL << 40) == 0);
    CHECK(real.fault(1) == DropFault::unfit);
    real.write(real.path(2), std::string(limit, 'x'));
    const auto file = real.drop.take(real.name(2), limit);
    REQUIRE(file);
    REQUIRE(::truncate(real.path(2).c_str(), 2 * limit) == 0);
    CHECK(file->length == limit);
}

TEST_CASE("the walk over drop/ names strangers, and passes over what is being written") {
    RealDrop real;
    real.write(real.path(1), "packets");
    real.write(real.path(2).append(drop_draft_suffix), "pack");
    real.write(real.root + "/drop/hello\n", "?");
    auto scan = real.drop.scan();
    const auto batch = scan->next();
    REQUIRE(batch);
    CHECK(batch->ids == std::vector{sample_id(1)});
    CHECK(batch->strangers == std::vector<std::string>{"hello\n"});
    CHECK(scan->next()->last);
}

TEST_CASE("a name as long as names get can be put aside") {
    RealDrop real;
    const std::string longest(255, 'n');
    real.write(real.root + "/drop/" + longest, "1");
    CHECK(real.drop.quarantine(longest).value() == "drop-" + std::string(200, 'n'));
    real.write(real.root + "/drop/" + longest, "2");
    CHECK(real.drop.quarantine(longest).value() == "drop-" + std::string(200, 'n') + ".1");
}

TEST_CASE("what sendmail never finished goes after a day") {
    RealDrop real;
    const std::string path = real.path(2).append(drop_draft_suffix);
    real.write(path, "pack");
    real.write(real.path(1), "packets");
    const WallTime now = real_clock().wall();
    CHECK(real.drop.reap(now + std::chrono::hours(23)).value() == 0);
    CHECK(real.drop.reap(now + std::chrono::hours(25)).value() == 1);
    CHECK_FALSE(std::filesystem::exists(path));
    CHECK(std::filesystem::exists(real.path(1)));
}

TEST_CASE("drop/ gets its mode, and is refused where its group is wrong") {
    RealSpool real;
    REQUIRE(Drop::open(*real.store, getegid()));
    struct stat status{};
    REQUIRE(::stat((real.root + "/drop").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 03733);
    REQUIRE(::chmod((real.root + "/drop").c_str(), 0777) == 0);
    REQUIRE(Drop::open(*real.store, getegid()));
    REQUIRE(::stat((real.root + "/drop").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 03733);
    CHECK_FALSE(Drop::open(*real.store, getegid() + 1));
}

}  // namespace holdfast::queue
