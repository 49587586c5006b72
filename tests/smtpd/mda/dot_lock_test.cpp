#include "smtpd/mda/dot_lock.h"

#include <csignal>
#include <ctime>

#include <fcntl.h>
#include <sys/stat.h>

#include "tests/catch.h"
#include "tests/smtpd/mda/mailroom.h"

using namespace holdfast;
using namespace holdfast::mda;

namespace {

class Folder {
  public:
    DotLock::Place place(std::string boot = "1234-abcd") const {
        return {folder_.get(), "alice.lock", std::move(boot)};
    }
    std::string lock() const { return scratch_.at("alice.lock"); }
    bool locked() const { return access(lock().c_str(), F_OK) == 0; }

    // False where another has it.
    bool take() const {
        const auto lock = DotLock::try_take(place());
        return lock && lock->has_value();
    }

    void age(int seconds) const {
        const std::time_t then = std::time(nullptr) - seconds;
        const timespec times[2] = {{then, 0}, {then, 0}};
        REQUIRE(utimensat(AT_FDCWD, lock().c_str(), times, AT_SYMLINK_NOFOLLOW) == 0);
    }

  private:
    Scratch scratch_;
    UniqueFd folder_{open(scratch_.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
};

// Takes the lock in another process, says that it has it, and dies of SIGKILL.
void die_holding(const DotLock::Place& place, const std::optional<AppendRecord>& append) {
    const int status = run_as(0, 0, [&] {
        auto lock = DotLock::try_take(place);
        if (!lock || !*lock) return 1;
        if (append && !(*lock)->record(*append)) return 1;
        return raise(SIGKILL);
    });
    REQUIRE(status == -SIGKILL);
}

}  // namespace

TEST_CASE("a lock file stands while the lock is held and holds the pid for others") {
    const Folder folder;
    {
        const auto lock = DotLock::try_take(folder.place());
        REQUIRE(lock);
        REQUIRE(lock->has_value());
        CHECK(read_file(folder.lock()).starts_with(std::to_string(getpid()) + "\n"));
        CHECK_FALSE(folder.take());
    }
    CHECK_FALSE(folder.locked());
    CHECK(folder.take());
}

TEST_CASE("F56 the lock of an agent that was killed is taken over at once") {
    const Folder folder;
    die_holding(folder.place(), {});
    REQUIRE(folder.locked());
    CHECK(folder.take());
    CHECK_FALSE(folder.locked());
}

TEST_CASE("F56 an agent that is killed before it could write into its lock file blocks nobody") {
    const Folder folder;
    const UniqueFd empty(open(folder.lock().c_str(), O_CREAT | O_EXCL | O_WRONLY, 0700));
    REQUIRE(empty);
    CHECK(folder.take());
}

TEST_CASE("whoever takes over a lock learns which append its owner died in") {
    const Folder folder;
    const AppendRecord append{42, 1000, 2000};
    die_holding(folder.place(), append);
    {
        const auto lock = DotLock::try_take(folder.place());
        REQUIRE((lock && lock->has_value()));
        CHECK((*lock)->inherited() == append);
        CHECK(read_file(folder.lock()).starts_with(std::to_string(getpid()) + "\n"));
        // Killed before it has undone the append, it hands the record on.
        CHECK(parse_lock(read_file(folder.lock()), "1234-abcd") == append);
    }
    const auto fresh = DotLock::try_take(folder.place());
    REQUIRE((fresh && fresh->has_value()));
    CHECK_FALSE((*fresh)->inherited());
}

TEST_CASE("what was under way before the machine started again is not undone") {
    const Folder folder;
    die_holding(folder.place("0000"), AppendRecord{42, 1000, 2000});
    const auto lock = DotLock::try_take(folder.place("1111"));
    REQUIRE((lock && lock->has_value()));
    CHECK_FALSE((*lock)->inherited());
}

TEST_CASE("another program's lock file is honoured for five minutes") {
    const Folder folder;
    write_file(folder.lock(), "1\n");
    chmod(folder.lock().c_str(), 0444);
    CHECK_FALSE(folder.take());
    folder.age(4 * 60);
    CHECK_FALSE(folder.take());
    CHECK(folder.locked());
    folder.age(6 * 60);
    CHECK_FALSE(folder.take());  // broken now, taken at the next attempt
    CHECK(folder.take());
}

TEST_CASE("F48 a lock file from the future does not stop the mail") {
    const Folder folder;
    write_file(folder.lock(), "");
    folder.age(-20 * 365 * 86400);
    CHECK_FALSE(folder.take());
    CHECK(folder.take());
}

TEST_CASE("F32 a lock that is no file is neither followed nor removed") {
    const Folder folder;
    const Scratch elsewhere;
    write_file(elsewhere.at("treasure"), "gold");
    REQUIRE(symlink(elsewhere.at("treasure").c_str(), folder.lock().c_str()) == 0);
    folder.age(600);
    CHECK_FALSE(folder.take());
    CHECK_FALSE(folder.take());
    CHECK(read_file(elsewhere.at("treasure")) == "gold");
    REQUIRE(unlink(folder.lock().c_str()) == 0);
    REQUIRE(mkfifo(folder.lock().c_str(), 0666) == 0);
    folder.age(600);
    CHECK_FALSE(folder.take());
    CHECK_FALSE(folder.take());
    CHECK(folder.locked());
}

TEST_CASE("a lock file is not removed by an owner from whom it was taken") {
    const Folder folder;
    {
        const auto lock = DotLock::try_take(folder.place());
        REQUIRE((lock && lock->has_value()));
        REQUIRE(unlink(folder.lock().c_str()) == 0);
        write_file(folder.lock(), "another program");
    }
    CHECK(read_file(folder.lock()) == "another program");
}

TEST_CASE("the text of a lock file is read back, and nothing else is") {
    const AppendRecord append{7, 10, 20};
    const std::string text = lock_text(99, "b-1", append);
    CHECK(parse_lock(text, "b-1") == append);
    CHECK_FALSE(parse_lock(text, "b-2"));
    CHECK_FALSE(parse_lock(text, ""));
    CHECK_FALSE(parse_lock(lock_text(99, "b-1", {}), "b-1"));
    CHECK_FALSE(parse_lock("", "b-1"));
    CHECK_FALSE(parse_lock("99\nb-1 7 20 10\n", "b-1"));
    CHECK_FALSE(parse_lock("99\nb-1 7 10 99999999999999999999\n", "b-1"));
    CHECK_FALSE(parse_lock("99\nb-1 7 10", "b-1"));
    CHECK_FALSE(parse_lock("x\nb-1 7 10 20\n", "b-1"));
}
