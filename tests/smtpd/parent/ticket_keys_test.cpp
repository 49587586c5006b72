#include "smtpd/parent/ticket_keys.h"

#include "tests/catch.h"

using namespace holdfast;

namespace {

constexpr MonoTime start{std::chrono::hours(100)};

}  // namespace

TEST_CASE("the newest ticket keys are kept, the newest first") {
    TicketKeys keys(start);
    REQUIRE(keys.keys().size() == 1);
    const std::string first = keys.keys()[0];
    CHECK(first.size() == TicketKeys::length);
    keys.renew(start);
    CHECK(keys.keys().size() == 2);
    CHECK(keys.keys()[1] == first);
    keys.renew(start);
    keys.renew(start);
    CHECK(keys.keys().size() == TicketKeys::kept);
    CHECK(std::ranges::find(keys.keys(), first) == keys.keys().end());
}

TEST_CASE("ticket keys go over to the next program, with the time that they have left") {
    TicketKeys before(start);
    before.renew(start + std::chrono::hours(6));
    TicketKeys after(start + std::chrono::hours(7));
    after.adopt(before.leave());
    CHECK(after.keys() == before.keys());
    CHECK(after.time_left(start + std::chrono::hours(8)) == std::chrono::hours(4));
}

TEST_CASE("a state without ticket keys, of an earlier version, leaves the new ones") {
    TicketKeys keys(start);
    const auto own = keys.keys();
    keys.adopt({});
    keys.adopt({{std::string(80, 'x'), "short"}, 0});
    CHECK(keys.keys() == own);
}
