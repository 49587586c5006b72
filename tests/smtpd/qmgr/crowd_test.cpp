#include "smtpd/qmgr/crowd.h"

#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::qmgr;

namespace {

MessageId new_id() {
    return MessageId::generate(real_clock().wall());
}

}  // namespace

TEST_CASE("a lane holds ten thousand recipients, and one message whatever its size") {
    Crowd crowd;
    CHECK(crowd.fits(60'000));
    crowd.enter(60'000);
    CHECK_FALSE(crowd.fits(101));
    crowd.leave(60'000);
    crowd.enter(9'000);
    CHECK(crowd.fits(1'000));
    CHECK_FALSE(crowd.fits(1'001));
    CHECK(crowd.recipients() == 9'000);
}

TEST_CASE("messages with many recipients never keep those with few waiting, nor the unread") {
    Crowd crowd;
    crowd.enter(60'000);
    CHECK(crowd.fits(1));
    CHECK(crowd.fits(Crowd::few));
    CHECK(crowd.fits(Crowd::unread));
    CHECK_FALSE(crowd.fits(Crowd::few + 1));
    for (int i = 0; i < 10; ++i) crowd.enter(Crowd::unread);
    CHECK_FALSE(crowd.fits(Crowd::unread));
    CHECK(crowd.fits(1));
    CHECK(crowd.recipients() == 60'000);
}

TEST_CASE("those who wait come in the order in which they came, and nobody passes them") {
    Crowd crowd;
    crowd.enter(9'000);
    const MessageId first = new_id();
    const MessageId second = new_id();
    crowd.wait(first, 5'000);
    crowd.wait(second, 200);
    CHECK(crowd.others_wait());
    CHECK_FALSE(crowd.fits(200));
    CHECK_FALSE(crowd.next());
    crowd.leave(9'000);
    CHECK(crowd.next() == first);
    CHECK(crowd.next() == second);
    CHECK_FALSE(crowd.next());
    CHECK_FALSE(crowd.others_wait());
}
