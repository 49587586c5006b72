#include "smtpd/parent/changes.h"

#include "tests/catch.h"

using namespace holdfast;

using Lines = std::vector<std::string>;

TEST_CASE("what a reload has changed is said statement by statement") {
    const Lines before{"listen *:25", "hostname a.example", "domain b.example", "domain c.example"};
    CHECK(statement_changes(before, before).empty());
    CHECK(statement_changes(before, {"domain b.example", "listen 127.0.0.1:25",
                                     "hostname a.example", "domain d.example"}) ==
          Lines{"- listen *:25", "- domain c.example", "+ listen 127.0.0.1:25",
                "+ domain d.example"});
}

TEST_CASE("a statement that is said once more is a change") {
    CHECK(statement_changes({"listen *:25"}, {"listen *:25", "listen *:25"}) ==
          Lines{"+ listen *:25"});
}

TEST_CASE("very many changes, or very long ones, are cut to what fits a reply") {
    Lines many;
    for (int i = 0; i < 250; ++i) many.push_back(std::string(8000, 'x') + std::to_string(i));
    const Lines changes = statement_changes({}, many);
    REQUIRE(changes.size() == 101);
    CHECK(changes.back() == "and 150 more");
    CHECK(changes.front().size() == 200);
}
