#include "smtpd/base/event_limit.h"

#include "tests/catch.h"

using namespace holdfast;

namespace {

constexpr MonoTime start{std::chrono::hours(5)};

}  // namespace

TEST_CASE("a burst of events is admitted, then one a second, and the others are counted") {
    EventLimit limit;
    for (unsigned i = 0; i < EventLimit::burst; ++i) CHECK(limit.admit(start) == 0U);
    for (int i = 0; i < 1000; ++i) CHECK_FALSE(limit.admit(start));
    CHECK(limit.admit(start + std::chrono::seconds(1)) == 1000U);
    CHECK_FALSE(limit.admit(start + std::chrono::seconds(1)));
    CHECK(limit.admit(start + std::chrono::seconds(2)) == 1U);
    CHECK(limit.admit(start + std::chrono::seconds(3)) == 0U);
}

TEST_CASE("behind a quiet time there may be a burst again, and no larger one") {
    EventLimit limit;
    for (const auto wait : {0, 3600}) {
        const MonoTime now = start + std::chrono::seconds(wait);
        unsigned admitted = 0;
        for (int i = 0; i < 100; ++i) admitted += limit.admit(now) ? 1U : 0U;
        CHECK(admitted == EventLimit::burst);
    }
}
