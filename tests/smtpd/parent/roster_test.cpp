#include "smtpd/parent/roster.h"

#include <cstdlib>
#include <filesystem>

#include "tests/catch.h"

using namespace holdfast;

namespace {

struct Folder {
    std::string path;
    Folder() {
        char name[] = "/tmp/holdfast-roster-XXXXXX";
        path = mkdtemp(name);
    }
    ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

TEST_CASE("a closed roster holds those who had entered it, and none that comes later") {
    const Folder folder;
    const std::string path = folder.path + "/rooms";
    auto one = enter_roster(path);
    auto other = enter_roster(path);
    REQUIRE((one && other));
    Roster roster(path);
    roster.close();
    CHECK_FALSE(std::filesystem::exists(path));
    const auto later = enter_roster(path);
    REQUIRE(later);
    CHECK(roster.anybody());
    one->reset();
    CHECK(roster.anybody());
    other->reset();
    CHECK_FALSE(roster.anybody());
    roster.close();
    CHECK(std::filesystem::exists(path));
}

TEST_CASE("a roster that nobody has entered, or that is not closed, holds nobody") {
    const Folder folder;
    Roster roster(folder.path + "/rooms");
    CHECK_FALSE(roster.anybody());
    roster.close();
    CHECK_FALSE(roster.anybody());
}
