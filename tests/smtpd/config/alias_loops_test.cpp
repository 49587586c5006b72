#include "smtpd/config/alias_loops.h"

#include "smtpd/config/aliases.h"
#include "smtpd/config/render.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::config;

namespace {

const std::vector<std::string> local{"box", "example.org"};

std::string said(std::string_view text) {
    const auto parsed = parse_aliases(text, "/etc/aliases", local, Elsewhere::refused);
    REQUIRE(parsed.diagnostics.all().empty());
    return render(alias_loops(parsed.value, local));
}

}  // namespace

TEST_CASE("aliases that lead back to themselves are warned of with their way") {
    CHECK(said("a: b\nb: a\n") ==
          "/etc/aliases:1: warning: \"a\" leads back to itself: \"a\", \"b\", \"a\"\n"
          "  mail for them goes to their other targets, and is refused where they have none\n");
    CHECK(said("in: x@box\nx: y+tag\ny: root, Z@Example.org\nz: X\n")
              .starts_with("/etc/aliases:2: warning: \"x\" leads back to itself: \"x\", \"y\", "
                           "\"z\", \"x\"\n"));
    CHECK(said("root: admin\nadmin: postmaster\n").find("\"admin\"") != std::string::npos);
}

TEST_CASE("what leads to a mailbox or meets again is no loop") {
    CHECK(said("alice: \\alice, bob\nbob: bob, carol\n").empty());
    CHECK(said("a: b, c\nb: d\nc: d\nd: e\n").empty());
    CHECK(said("a: b\nb: \\a\n").empty());
    CHECK(said("").empty());
}

TEST_CASE("the loops of a large file are found in bounded time and text") {
    links::AliasSnapshot table;
    for (int i = 100'000; i < 300'000; ++i) {
        table.aliases.push_back({std::to_string(i),
                                 {std::to_string(i + 1), "100000", std::to_string(i - 1)},
                                 "a:" + std::to_string(i)});
    }
    const Diagnostics found = alias_loops(table, local);
    CHECK(found.all().size() == Diagnostics::max_kept);
    CHECK(found.omitted() > 100'000);
    CHECK(render(found).size() < 100'000);
}
