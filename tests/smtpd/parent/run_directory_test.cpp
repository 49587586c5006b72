#include "smtpd/parent/run_directory.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "smtpd/loop/loop.h"
#include "tests/catch.h"

using namespace holdfast;

namespace {

struct Stage {
    std::string top = "/tmp/holdfast-run-XXXXXX";
    RunDirectory::Paths paths;
    Loop loop;
    unsigned republished = 0;
    std::optional<RunDirectory> run;

    Stage() {
        REQUIRE(mkdtemp(top.data()) != nullptr);
        const std::string folder = top + "/run";
        paths = {folder, folder + "/lock", folder + "/control", folder + "/empty"};
        REQUIRE(make_run_directory(folder));
        auto lock = lock_instance(paths.lock);
        REQUIRE(lock);
        run.emplace(loop, paths, std::move(*lock), [this] { ++republished; });
        REQUIRE(run->publish());
    }
    ~Stage() { std::filesystem::remove_all(top); }

    bool can_connect() const {
        const UniqueFd client(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strcpy(address.sun_path, paths.control.c_str());
        return connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    }
    void wait_until_republished(unsigned times) {
        while (republished < times) loop.turn();
    }
};

}  // namespace

TEST_CASE("a control socket whose path has gone is published again") {
    Stage stage;
    std::filesystem::remove(stage.paths.control);
    stage.wait_until_republished(1);
    CHECK(stage.can_connect());
    SECTION("each time") {
        std::filesystem::rename(stage.paths.control, stage.top + "/elsewhere");
        stage.wait_until_republished(2);
        CHECK(stage.can_connect());
    }
}

TEST_CASE("a run directory that has been wiped is made again, and locked again") {
    Stage stage;
    std::filesystem::remove_all(stage.paths.folder);
    stage.wait_until_republished(1);
    CHECK(stage.can_connect());
    CHECK(std::filesystem::is_directory(stage.paths.empty));
    CHECK_FALSE(lock_instance(stage.paths.lock));
    std::filesystem::remove(stage.paths.control);
    stage.wait_until_republished(2);
}

TEST_CASE("an instance that has been started in a wiped run directory keeps it") {
    Stage stage;
    std::filesystem::remove_all(stage.paths.folder);
    REQUIRE(make_run_directory(stage.paths.folder));
    const auto other = lock_instance(stage.paths.lock);
    REQUIRE(other);
    stage.loop.turn();
    stage.loop.turn();
    CHECK(stage.republished == 0);
    CHECK_FALSE(stage.can_connect());
}

TEST_CASE("a clean stop takes the control socket away and leaves what is another's") {
    Stage stage;
    SECTION("ours") {
        stage.run->withdraw();
        CHECK_FALSE(std::filesystem::exists(stage.paths.control));
    }
    SECTION("another's") {
        const auto other = ControlSocket::publish(stage.paths.control);
        REQUIRE(other);
        stage.run->withdraw();
        CHECK(stage.can_connect());
    }
}
