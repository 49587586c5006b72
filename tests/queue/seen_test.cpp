#include "queue/seen.h"

#include "queue/layout.h"
#include "tests/catch.h"
#include "tests/queue/samples.h"

namespace holdfast::queue {

namespace {

using std::chrono::days;

Submission submission(unsigned number) {
    return {1000, sample_id(number)};
}

Status append(Store& store, unsigned number, WallTime now) {
    const std::array one{submission(number)};
    return store.seen().append(one, now);
}

bool contains(Store& store, unsigned number, WallTime now = sample_time) {
    const auto found = store.seen().contains(submission(number), now);
    REQUIRE(found);
    return *found;
}

std::size_t files(const FakeFileSystem& fs) {
    return fs.find("seen")->entries.size();
}

}  // namespace

TEST_CASE("a finished submission is known by uid and id, and nobody else's is") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    REQUIRE(append(*store, 1, sample_time));
    CHECK(contains(*store, 1));
    CHECK_FALSE(contains(*store, 2));
    CHECK_FALSE(store->seen().contains({1001, sample_id(1)}, sample_time).value());
}

TEST_CASE("what was synced is known after a crash, the first file of a day included") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    for (unsigned i = 0; i < 3; ++i) {
        REQUIRE(append(*store, 2 * i, sample_time + days(i)));
        REQUIRE(append(*store, 2 * i + 1, sample_time + days(i)));
        REQUIRE(store->seen().sync());
    }
    const auto next = fs.crash(Survive::nothing);
    const auto restarted = open_store(*next);
    for (unsigned i = 0; i < 6; ++i) CHECK(contains(*restarted, i));
    CHECK(files(*next) == 3);
}

TEST_CASE("days that were appended to in turn are synced together") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    REQUIRE(append(*store, 1, sample_time));
    REQUIRE(append(*store, 2, sample_time + days(1)));
    REQUIRE(append(*store, 3, sample_time));
    REQUIRE(store->seen().sync());
    const auto next = fs.crash(Survive::nothing);
    const auto restarted = open_store(*next);
    for (unsigned i = 1; i < 4; ++i) CHECK(contains(*restarted, i));
}

TEST_CASE("a sync without anything new costs nothing") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    REQUIRE(append(*store, 1, sample_time));
    REQUIRE(store->seen().sync());
    fs.forget_log();
    REQUIRE(store->seen().sync());
    CHECK(fs.log().empty());
}

TEST_CASE("F39 after a failed sync of seen/ none is said to have succeeded") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const std::string call = GENERATE("sync seen", "sync seen file");
    REQUIRE(append(*store, 1, sample_time));
    fs.fail = [&](const std::string& called) { return called == call ? EIO : 0; };
    CHECK_FALSE(store->seen().sync());
    fs.fail = nullptr;
    CHECK_FALSE(store->seen().sync());
    CHECK(contains(*store, 1));
}

TEST_CASE("F40 an append to seen/ that was cut short can be made again") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    fs.fail = [](const std::string& call) { return call == "write seen file" ? ENOSPC : 0; };
    CHECK(append(*store, 1, sample_time).error().code() == ENOSPC);
    fs.fail = nullptr;
    REQUIRE(append(*store, 1, sample_time));
    CHECK(contains(*store, 1));
    const auto restarted = open_store(fs);
    CHECK(contains(*restarted, 1));
}

TEST_CASE("two generations see what the other finishes, before and after midnight") {
    FakeFileSystem fs;
    const auto old = open_store(fs);
    const auto young = open_store(fs);
    for (unsigned i = 0; i < 8; ++i) {
        const WallTime now = sample_time + days(i / 2);
        const WallTime later = now + days(i % 2);
        REQUIRE(append(i % 3 == 0 ? *old : *young, i, now));
        CHECK(contains(*old, i, later));
        CHECK(contains(*young, i, later));
    }
}

TEST_CASE("a line that another process is writing is read when it is whole") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    const std::string line = encode_seen_line(submission(1));
    const auto file = fs.plant("seen/" + seen_name(sample_time), "");
    for (std::size_t i = 0; i + 1 < line.size(); ++i) {
        file->bytes.push_back(line[i]);
        CHECK_FALSE(contains(*store, 1));
    }
    file->bytes.push_back('\n');
    CHECK(contains(*store, 1));
}

TEST_CASE("F47 flip every bit of a line of seen/: it is not that line any more") {
    std::string line = encode_seen_line(submission(1)).substr(1);
    line.pop_back();
    CHECK(parse_seen_line(line) == submission(1));
    for (std::size_t bit = 0; bit < line.size() * 8; ++bit) {
        std::string flipped = line;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << (bit % 8));
        CHECK_FALSE(parse_seen_line(flipped));
        CHECK_FALSE(parse_seen_line(std::string_view(line).substr(0, bit / 8)));
    }
}

TEST_CASE("damage in seen/ spoils one line and no other, however much of it there is") {
    FakeFileSystem fs;
    auto store = open_store(fs);
    const std::string junk = GENERATE_COPY(std::string("junk"), std::string(200'000, '\0'));
    fs.plant("seen/" + seen_name(sample_time),
             encode_seen_line(submission(1)) + junk + encode_seen_line(submission(2)));
    store = open_store(fs);
    CHECK(contains(*store, 1));
    CHECK(contains(*store, 2));
}

TEST_CASE("ids are forgotten after seven days and not before") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    for (unsigned i = 0; i < 20; ++i) {
        const WallTime now = sample_time + days(i);
        REQUIRE(append(*store, i, now));
        REQUIRE(store->seen().trim(now));
        for (unsigned back = 0; back <= std::min(i, 7U); ++back) CHECK(contains(*store, i - back));
        if (i > 8) CHECK_FALSE(contains(*store, i - 9));
    }
    CHECK(files(fs) == 8);
}

TEST_CASE("F48 a clock that jumps by an hour or by 20 years forgets nothing") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    for (unsigned i = 0; i < 7; ++i) REQUIRE(append(*store, i, sample_time + days(i)));
    const WallTime jumped = sample_time + days(6) + GENERATE(days(7300), days(-7300), days(0));
    REQUIRE(append(*store, 7, jumped + std::chrono::hours(1)));
    CHECK(store->seen().trim(jumped).value() == 0);
    const auto restarted = open_store(fs);
    for (unsigned i = 0; i < 8; ++i) {
        CHECK(contains(*store, i, jumped));
        CHECK(contains(*restarted, i, jumped));
    }
}

TEST_CASE("a file of seen/ that is young stays, however many there are") {
    FakeFileSystem fs;
    const auto store = open_store(fs);
    // The clock was years ahead for a while, and was put right.
    for (unsigned i = 0; i < 9; ++i) REQUIRE(append(*store, i, sample_time + days(7000 + i)));
    REQUIRE(append(*store, 20, sample_time - days(7)));
    REQUIRE(append(*store, 21, sample_time - days(8)));
    CHECK(store->seen().trim(sample_time).value() == 1);
    CHECK(contains(*store, 20));
    CHECK_FALSE(contains(*store, 21));
}

}  // namespace holdfast::queue
