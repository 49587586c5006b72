#include "smtpd/base/read.h"

#include <sys/mman.h>

#include "smtpd/base/unique_fd.h"
#include "smtpd/base/write.h"
#include "tests/catch.h"

using namespace holdfast;

TEST_CASE("what is read at a place ends where the file ends") {
    const UniqueFd file(memfd_create("read", MFD_CLOEXEC));
    REQUIRE(write_all(file.get(), "0123456789"));
    CHECK(*read_at(file.get(), 3, 4) == "3456");
    CHECK(*read_at(file.get(), 8, 100) == "89");
    CHECK(read_at(file.get(), 10, 100)->empty());
    CHECK(read_at(-1, 0, 1).error().code() == EBADF);
}
