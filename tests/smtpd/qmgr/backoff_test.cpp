#include "smtpd/qmgr/backoff.h"

#include "smtpd/qmgr/deliveries.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::qmgr;
using namespace std::chrono_literals;

namespace {

Backoff standard(std::uint32_t seed = 1) {
    return Backoff(links::QmgrSnapshot(), seed);
}

}  // namespace

TEST_CASE("the delay doubles from the first to the limit, less up to a fifth") {
    Backoff backoff = standard();
    for (std::uint32_t attempts = 1; attempts < 100; ++attempts) {
        const auto whole =
            std::min<Duration>(attempts < 10 ? 60s * (1 << (attempts - 1)) : 3600s, 3600s);
        for (int i = 0; i < 50; ++i) {
            const Duration delay = backoff.delay(attempts);
            REQUIRE(delay <= whole);
            REQUIRE(delay >= whole - whole / 5);
        }
    }
}

TEST_CASE("messages that failed together do not come back together") {
    Backoff backoff = standard();
    CHECK(backoff.delay(5) != backoff.delay(5));
    CHECK(standard(1).delay(5) != standard(2).delay(5));
}

TEST_CASE("a configuration of zeros or of ages does no harm") {
    links::QmgrSnapshot snapshot;
    snapshot.retry_first_seconds = 0;
    snapshot.retry_limit_seconds = 0;
    snapshot.expire_seconds = UINT64_MAX;
    Backoff backoff(snapshot, 1);
    CHECK(backoff.delay(1) > 0s);
    CHECK(backoff.delay(UINT32_MAX) <= 1s);
    CHECK(backoff.tried_for(UINT32_MAX) > 0s);
    CHECK_FALSE(backoff.expired(24h * 365));
}

TEST_CASE("F48 a stored message's age survives a clock that jumps by an hour or by 20 years") {
    const Backoff backoff = standard();
    // Honest: half an hour old, five attempts.
    CHECK(backoff.age(30min, 5) == 30min);
    // 20 years ahead: no older than its attempts bear out, so it is not bounced at once.
    CHECK_FALSE(backoff.expired(backoff.age(24h * 365 * 20, 5)));
    CHECK_FALSE(backoff.expired(backoff.age(24h * 365 * 20, 0)));
    // Back behind its admission: as old as its attempts say.
    CHECK(backoff.age(-1h, 5) == backoff.tried_for(5));
    CHECK(backoff.age(-24h * 365 * 20, 0) == 0s);
    // It does expire in the end, whatever the clock says.
    CHECK(backoff.expired(backoff.age(24h * 365 * 20, 200)));
    CHECK(backoff.expired(backoff.age(-1h, 200)));
}

TEST_CASE("F48 the rest of a delay is never more than the delay, wherever the clock went") {
    queue::MessageState state;
    state.recipients.resize(1);
    queue::apply(state,
                 {1'000'000, queue::Attempted{0, {}, {Verdict::retry, "4.0.0", "later", {}}}});
    CHECK(remaining_delay(state, 60s, 1'000'000) == 60s);
    CHECK(remaining_delay(state, 60s, 1'020'000) == 40s);
    CHECK(remaining_delay(state, 60s, 9'000'000'000'000) == 0s);
    CHECK(remaining_delay(state, 60s, 0) == 60s);
    CHECK(attempts_of(state) == 1);
    CHECK(remaining_delay({}, 60s, 5) == 0s);
}
