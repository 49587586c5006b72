#include "smtpd/loop/folder_watch.h"

#include <cstdlib>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smtpd/loop/loop.h"
#include "tests/catch.h"

using namespace holdfast;

namespace {

struct Watched {
    std::string folder = "/tmp/holdfast-watch-XXXXXX";
    Loop loop;
    unsigned news = 0;
    std::unique_ptr<FolderWatch> watch;

    explicit Watched(FolderWatch::News wanted) {
        REQUIRE(mkdtemp(folder.data()) != nullptr);
        auto opened = FolderWatch::open(loop, folder, wanted, [this] { ++news; });
        REQUIRE(opened);
        watch = std::move(*opened);
    }
    ~Watched() { rmdir(folder.c_str()); }
    void wait_for_news(unsigned count) {
        while (news < count) loop.turn();
    }
};

}  // namespace

TEST_CASE("a file is told of when it gets its final name") {
    Watched watched(FolderWatch::News::arrivals);
    const std::string path = watched.folder + "/a";
    const UniqueFd file(open((path + ".tmp").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    watched.wait_for_news(1);
    REQUIRE(rename((path + ".tmp").c_str(), path.c_str()) == 0);
    watched.wait_for_news(2);
    unlink(path.c_str());
    CHECK(watched.news == 2);
}

TEST_CASE("where changes are wanted, a name that goes is told of, and the folder's own end") {
    Watched watched(FolderWatch::News::changes);
    const std::string path = watched.folder + "/a";
    UniqueFd file(open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    watched.wait_for_news(1);
    REQUIRE(unlink(path.c_str()) == 0);
    watched.wait_for_news(2);
    file.reset();  // a file that is open keeps its folder in memory
    REQUIRE(rmdir(watched.folder.c_str()) == 0);
    watched.wait_for_news(3);
}
