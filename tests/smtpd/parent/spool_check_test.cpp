#include "smtpd/parent/spool_check.h"

#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.h"

using namespace holdfast;

namespace {

struct Spool {
    std::string parent;
    std::string path;
    links::Identity queue{"qmgr", geteuid(), getegid()};

    Spool() {
        char name[] = "/tmp/holdfast-spool-XXXXXX";
        parent = mkdtemp(name);
        path = parent + "/spool";
    }
    ~Spool() { std::filesystem::remove_all(parent); }

    std::string complaint() const {
        const auto checked = check_spool(path, queue);
        return checked ? "" : checked.error().text();
    }
};

}  // namespace

TEST_CASE("a spool that qmgr can use is good, with its folders or without") {
    const Spool spool;
    std::filesystem::create_directory(spool.path);
    CHECK(spool.complaint().empty());
    std::filesystem::create_directory(spool.path + "/queue");
    CHECK(spool.complaint().empty());
}

TEST_CASE("a missing spool is named with the command that makes it") {
    const Spool spool;
    CHECK(spool.complaint() ==
          "the spool " + spool.path + " is missing: make it with: install -d -m 0711 -o " +
              std::to_string(geteuid()) + " -g " + std::to_string(getegid()) + " " + spool.path);
}

TEST_CASE("a spool with another owner is named with every folder that is concerned") {
    Spool spool;
    std::filesystem::create_directories(spool.path + "/queue");
    std::filesystem::create_directory(spool.path + "/lost+found");
    spool.queue = {"qmgr", geteuid() + 1, 77};
    const std::string ours = std::to_string(geteuid());
    const std::string other = std::to_string(geteuid() + 1);
    CHECK(spool.complaint() == "the spool belongs to uid " + ours + ", not to uid " + other +
                                   " as the queue does: mend it with: chown " + other + ":77 " +
                                   spool.path + " " + spool.path + "/queue");
}

TEST_CASE("a spool that is no folder, or closed to its owner, is refused") {
    const Spool spool;
    std::ofstream(spool.path) << "x";
    CHECK(spool.complaint().find("is no directory") != std::string::npos);
    std::filesystem::remove(spool.path);
    std::filesystem::create_directory(spool.path);
    REQUIRE(chmod(spool.path.c_str(), 0500) == 0);
    CHECK(spool.complaint().find("chmod 0711") != std::string::npos);
}
