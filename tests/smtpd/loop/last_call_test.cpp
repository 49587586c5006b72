#include "smtpd/loop/last_call.h"

#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "tests/catch.h"
#include "tests/smtpd/loop/turning.h"

using namespace holdfast;

namespace {

// A file that the parent has given to the room.
struct Life {
    std::string path = "/tmp/holdfast-last-call-XXXXXX";
    UniqueFd fd{mkostemp(path.data(), O_CLOEXEC)};
    ~Life() { unlink(path.c_str()); }
};

}  // namespace

TEST_CASE("the last call comes when the file is removed, and not as long as it is there") {
    Loop loop;
    Life life;
    bool called = false;
    LastCall last_call(loop, std::move(life.fd), [&] { called = true; });
    last_call.listen();
    int turns = 0;
    Timer other(loop, [&] { ++turns; });
    other.set(std::chrono::milliseconds(500));
    REQUIRE(turn_until(loop, [&] { return turns == 1; }));
    CHECK_FALSE(called);
    unlink(life.path.c_str());
    CHECK(turn_until(loop, [&] { return called; }));
}

TEST_CASE("a room that has its parent, or was given no file, hears no last call") {
    Loop loop;
    Life life;
    const bool given = GENERATE(true, false);
    bool called = false;
    LastCall last_call(loop, given ? std::move(life.fd) : UniqueFd(), [&] { called = true; });
    if (!given) last_call.listen();
    unlink(life.path.c_str());
    bool over = false;
    Timer end(loop, [&] { over = true; });
    end.set(std::chrono::milliseconds(500));
    REQUIRE(turn_until(loop, [&] { return over; }));
    CHECK_FALSE(called);
}
