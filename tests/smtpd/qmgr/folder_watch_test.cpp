#include "smtpd/qmgr/folder_watch.h"

#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>

#include "smtpd/loop/loop.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::qmgr;

TEST_CASE("a file is told of when it gets its final name") {
    std::string folder = "/tmp/holdfast-watch-XXXXXX";
    REQUIRE(mkdtemp(folder.data()) != nullptr);
    Loop loop;
    std::vector<std::string> names;
    const auto watch = FolderWatch::open(loop, folder, [&](const FolderWatch::News& news) {
        names.insert(names.end(), news.names.begin(), news.names.end());
    });
    REQUIRE(watch);
    const UniqueFd file(open((folder + "/a.tmp").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    REQUIRE(rename((folder + "/a.tmp").c_str(), (folder + "/a").c_str()) == 0);
    while (names.empty() || names.back() != "a") loop.turn();
    unlink((folder + "/a").c_str());
    rmdir(folder.c_str());
    CHECK(names == std::vector<std::string>{"a.tmp", "a"});
}

TEST_CASE("events that were lost or make no sense ask for a look at the whole folder") {
    CHECK_FALSE(parse_events("").incomplete);
    CHECK(parse_events("short").incomplete);
    std::string event(16, '\0');
    event[12] = 100;  // a name longer than what is there
    CHECK(parse_events(event).incomplete);
    std::string overflow(16, '\0');
    overflow[5] = 0x40;  // IN_Q_OVERFLOW
    CHECK(parse_events(overflow).incomplete);
}
