#include "smtpd/qmgr/complaints.h"

#include "tests/catch.h"

using namespace holdfast::qmgr;
using Thing = Complaints::Thing;

namespace {

// Names "0" to `count` - 1; how many lines that is worth.
std::size_t look(Complaints& complaints, std::size_t count, Thing thing) {
    std::size_t lines = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (complaints.worth_a_line(std::to_string(i), thing)) ++lines;
    }
    return lines;
}

}  // namespace

TEST_CASE("what stays is named once, and again only when it was away") {
    Complaints complaints;
    CHECK(look(complaints, 3, Thing::lasting) == 3);
    CHECK(complaints.take_count() == 0);
    for (int i = 0; i < 5; ++i) {
        CHECK(look(complaints, 3, Thing::lasting) == 0);
        CHECK(complaints.take_count() == 0);
    }
    CHECK(complaints.take_count() == 0);  // a look that meets none of them
    CHECK(look(complaints, 3, Thing::lasting) == 3);
}

TEST_CASE("a flood gets twenty lines in a look and a count") {
    Complaints complaints;
    CHECK(look(complaints, 500, Thing::passing) == Complaints::max_single);
    CHECK(complaints.take_count() == 500 - Complaints::max_single);
    CHECK(look(complaints, 500, Thing::passing) == Complaints::max_single);
    CHECK(complaints.take_count() == 500 - Complaints::max_single);
    CHECK(complaints.take_count() == 0);
}

TEST_CASE("more lasting things than can be remembered are counted once, not every minute") {
    Complaints complaints;
    const std::size_t many = Complaints::max_known + 5'000;
    CHECK(look(complaints, many, Thing::lasting) == Complaints::max_single);
    CHECK(complaints.take_count() == many - Complaints::max_single);
    CHECK(look(complaints, many, Thing::lasting) == 0);
    CHECK(complaints.take_count() == 0);
}
