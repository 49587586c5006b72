#include "smtpd/qmgr/folder_watch.h"

#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smtpd/loop/loop.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::qmgr;

TEST_CASE("a file is told of when it gets its final name") {
    std::string folder = "/tmp/holdfast-watch-XXXXXX";
    REQUIRE(mkdtemp(folder.data()) != nullptr);
    Loop loop;
    unsigned news = 0;
    const auto watch = FolderWatch::open(loop, folder, [&] { ++news; });
    REQUIRE(watch);
    const std::string path = folder + "/a";
    const UniqueFd file(open((path + ".tmp").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    while (news == 0) loop.turn();
    REQUIRE(rename((path + ".tmp").c_str(), path.c_str()) == 0);
    while (news == 1) loop.turn();
    unlink(path.c_str());
    rmdir(folder.c_str());
    CHECK(news == 2);
}
