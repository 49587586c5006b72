#include "ctl/mtactl/display.h"

#include <unistd.h>

#include "ctl/mtactl/json.h"
#include "ctl/mtactl/process.h"
#include "ctl/mtactl/utf8.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::mtactl;

TEST_CASE("F25 nothing that is shown can command a terminal") {
    CHECK(safe_line("a\x1b[2Jb\r\n\x7f") == "a\\x1B[2Jb\\r\\n\\x7F");
    CHECK(safe_line("\xc2\x9b"
                    "31m") == "\\xC2\\x9B31m");  // U+009B, a one-character CSI
    CHECK(safe_line("\x9b"
                    "31m") == "\\x9B31m");
    CHECK(safe_line("gr\xc3\xbc\xc3\x9f \"x\" \\") == "gr\xc3\xbc\xc3\x9f \"x\" \\");
    CHECK(safe_text("a\tb\n\x07") == "a\tb\n\\x07");
}

TEST_CASE("characters are those of RFC 3629, and no others") {
    for (const char* good : {"a", "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x93\xac"}) {
        CHECK(character_length(good) == std::string_view(good).size());
    }
    for (const char* bad :
         {"", "\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\xff"}) {
        CHECK(character_length(bad) == 0);
    }
}

TEST_CASE("JSON strings hold any bytes, and stay JSON") {
    CHECK(json_string("a\"b\\c\n\x01\x7f") == R"("a\"b\\c\n\u0001\u007f")");
    CHECK(json_string(std::string_view("\0", 1)) == R"("\u0000")");
    CHECK(json_string("\xff\xc3\xbc\xe2\x82") ==
          "\"\xef\xbf\xbd\xc3\xbc\xef\xbf\xbd\xef\xbf\xbd\"");
    for (int byte = 0; byte < 256; ++byte) {
        const std::string json = json_string(std::string(1, static_cast<char>(byte)));
        for (const char c : json) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
    }
}

TEST_CASE("JSON objects and arrays put a comma between members, and nowhere else") {
    CHECK(JsonObject().json() == "{}");
    JsonObject object;
    object.text("a", "x").number("b", -3).flag("c", true).raw("d", json_array({}));
    CHECK(object.json() == R"({"a":"x","b":-3,"c":true,"d":[]})");
    CHECK(json_strings({"a", "b"}) == R"(["a","b"])");
}

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
    CHECK(parse_pss("55 [rollup]\nRss:  2048 kB\nPss:     1234 kB\nPss_Dirty: 1 kB\n") ==
          1234 * 1024);
    CHECK_FALSE(parse_pss("Rss: 1 kB\n"));
    CHECK_FALSE(parse_pss("\nPss: x"));
    CHECK(parse_resident_pages("1000 250 9 1 0 5 0\n") == 250);
    CHECK_FALSE(parse_resident_pages(""));
    CHECK(memory_of(getpid(), MemoryKind::rss).value_or(0) > 0);
    CHECK_FALSE(memory_of(-1, MemoryKind::rss));
}

TEST_CASE("the uid of a process is the effective one that the kernel writes") {
    CHECK(parse_effective_uid("Name:\tmda\nUid:\t0\t1001\t2\t3\nGid:\t7\t7\t7\t7\n") == 1001);
    CHECK_FALSE(parse_effective_uid("Name:\tUid:\t1\t2\n"));
    CHECK_FALSE(parse_effective_uid("\nUid:\t1\nGid:\t7\t7\t7\t7\n"));
    CHECK_FALSE(parse_effective_uid("\nUid:\t1\t4294967296\n"));
    CHECK(uid_of(getpid()) == geteuid());
    CHECK_FALSE(uid_of(-1));
}
