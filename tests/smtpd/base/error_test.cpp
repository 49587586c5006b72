#include "smtpd/base/error.h"

#include <fcntl.h>

#include "smtpd/base/unique_fd.h"
#include "tests/catch.h"

using namespace holdfast;

TEST_CASE("an error tells what was done, on what, and why, and gathers context on its way up") {
    const Error error(ENOSPC, "rename", "tmp/x");
    CHECK(error.text() == "rename tmp/x: No space left on device");
    const Result<int> higher = error.in("publish message");
    CHECK(higher.error().text() == "publish message: rename tmp/x: No space left on device");
    CHECK(higher.error().code() == ENOSPC);
    const Status plain = plain_error("no such thing");
    CHECK(plain.error().code() == 0);
    CHECK(plain.error().text() == "no such thing");
}

TEST_CASE("an error number without a text is told as a number") {
    CHECK(Error(12345, "look up", "alice").text() == "look up alice: error 12345");
    CHECK(Error(-1, "look up").text() == "look up: error -1");
    CHECK(errno_text(ENOSPC) == "No space left on device");
}

TEST_CASE("a descriptor is closed once, by its last owner") {
    UniqueFd first(open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int number = first.get();
    UniqueFd second(std::move(first));
    CHECK_FALSE(first);
    CHECK(fcntl(number, F_GETFD) >= 0);
    second = UniqueFd();
    CHECK(fcntl(number, F_GETFD) < 0);
}
