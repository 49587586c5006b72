#include "ctl/mtactl/display.h"

#include <unistd.h>

#include "ctl/mtactl/process.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::mtactl;

TEST_CASE("sizes are short and never lie by more than their last digit") {
    CHECK(size_text(0) == "0 B");
    CHECK(size_text(1023) == "1023 B");
    CHECK(size_text(1024) == "1.0 KiB");
    CHECK(size_text(1536) == "1.5 KiB");
    CHECK(size_text(50'000'000) == "48 MiB");
    CHECK(size_text(1024 * 1024 - 1) == "1.0 MiB");
    CHECK(size_text(~0ULL).ends_with(" TiB"));
}

TEST_CASE("an age that lies ahead is no age") {
    const WallTime now(std::chrono::seconds(1000));
    CHECK(age_text(935'000, now) == "1m5s");
    CHECK(age_text(2'000'000, now) == "0s");
    CHECK(time_text(1709210096789) == "2024-02-29T12:34:56Z");
}

TEST_CASE("columns line up, whatever is in them, and lines have no blanks at their end") {
    Table table({Table::Align::left, Table::Align::right});
    table.add({"NAME", "N"});
    table.add({"gr\xc3\xbc", "12345"});
    table.add({"longer", ""});
    CHECK(table.text() == "NAME        N\ngr\xc3\xbc     12345\nlonger\n");
}

TEST_CASE("memory is read from what the kernel writes, and from nothing else") {
    const std::string rollup = "55 [rollup]\nRss:  2048 kB\nPss:     1234 kB\nPss_Dirty: 1 kB\n";
    CHECK(parse_number(rollup, "Pss") == 1234);
    CHECK_FALSE(parse_number("Rss: 1 kB\n", "Rss"));
    CHECK_FALSE(parse_number("\nPss: x", "Pss"));
    CHECK(memory_of(getpid(), MemoryKind::rss).value_or(0) > 0);
    CHECK_FALSE(memory_of(-1, MemoryKind::rss));
}

TEST_CASE("the uid of a process is the effective one that the kernel writes") {
    CHECK(parse_number("Name:\tmda\nUid:\t0\t1001\t2\t3\nGid:\t7\t7\n", "Uid", 1) == 1001);
    CHECK_FALSE(parse_number("Name:\tUid:\t1\t2\n", "Uid", 1));
    CHECK_FALSE(parse_number("\nUid:\t1\nGid:\t7\t7\t7\t7\n", "Uid", 1));
    CHECK(uid_of(getpid()) == geteuid());
    CHECK_FALSE(uid_of(-1));
}
