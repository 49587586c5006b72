#include "smtpd/parent/instance.h"

#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "smtpd/base/descriptors.h"
#include "smtpd/base/packet.h"
#include "tests/catch.h"

using namespace holdfast;

namespace {

struct Folder {
    std::string path;
    Folder() {
        char name[] = "/tmp/holdfast-instance-XXXXXX";
        path = mkdtemp(name);
    }
    ~Folder() { std::filesystem::remove_all(path); }
};

bool can_connect(const std::string& path) {
    const UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    return connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

TEST_CASE("only one instance holds the lock, and the second one is told who does") {
    const Folder folder;
    const std::string path = folder.path + "/lock";
    auto first = lock_instance(path);
    REQUIRE(first);
    const auto second = lock_instance(path);
    REQUIRE_FALSE(second);
    CHECK(second.error().text().find("smtpd runs already as process " + std::to_string(getpid())) !=
          std::string::npos);
    first->reset();
    CHECK(lock_instance(path));
}

TEST_CASE("nobody else may open the lock, who could keep the daemon from starting with it") {
    const Folder folder;
    const std::string path = folder.path + "/lock";
    SECTION("new") {}
    SECTION("left by an earlier version") {
        const UniqueFd older(creat(path.c_str(), 0644));
    }
    REQUIRE(lock_instance(path));
    struct stat facts{};
    REQUIRE(stat(path.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0600);
}

TEST_CASE("the control socket replaces one that a dead instance left, without a gap") {
    const Folder folder;
    const std::string path = folder.path + "/control";
    {
        const auto dead = ControlSocket::publish(path);
        REQUIRE(dead);
    }
    REQUIRE_FALSE(can_connect(path));  // the path is there, nobody listens
    const auto alive = ControlSocket::publish(path);
    REQUIRE(alive);
    CHECK(can_connect(path));
    struct stat facts{};
    REQUIRE(stat(path.c_str(), &facts) == 0);
    CHECK((facts.st_mode & 0777) == 0666);
    CHECK_FALSE(std::filesystem::exists(path + ".new"));
}

TEST_CASE("another process knows the control socket that was kept for it by what it is") {
    const Folder folder;
    const std::string path = folder.path + "/control";
    const auto control = ControlSocket::publish(path);
    REQUIRE(control);
    const auto copy = [&] { return UniqueFd(dup(control->socket())); };
    const auto kept = ControlSocket::recognise(path, control->text(), copy());
    REQUIRE(kept);
    CHECK(kept->is_published());
    CHECK_FALSE(ControlSocket::recognise(path, control->text() + "1", copy()));
    CHECK_FALSE(ControlSocket::recognise(path, "127.0.0.1:25", copy()));
    CHECK_FALSE(ControlSocket::recognise(folder.path, control->text(), copy()));
    CHECK_FALSE(ControlSocket::recognise(
        path, control->text(), UniqueFd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0))));
    const auto other = ControlSocket::publish(path);
    REQUIRE(other);
    CHECK_FALSE(ControlSocket::recognise(path, control->text(), copy()));
}

TEST_CASE("the control socket takes no descriptors, not even before a connection is accepted") {
    const Folder folder;
    const auto control = ControlSocket::publish(folder.path + "/control");
    REQUIRE(control);
    const UniqueFd any(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    refuse_descriptors(any.get());
    if (!refuses_descriptors(any.get())) return;  // Linux before 6.16
    const UniqueFd client(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, (folder.path + "/control").c_str());
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    REQUIRE(connect(client.get(), generic, sizeof address) == 0);
    const int fds[] = {STDIN_FILENO};
    const auto sent = send_packet(client.get(), "x", fds);
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code() == EPERM);
    CHECK(send_packet(client.get(), "x"));
}

TEST_CASE("a clean stop removes its own control socket and nobody else's") {
    const Folder folder;
    const std::string path = folder.path + "/control";
    auto first = ControlSocket::publish(path);
    auto second = ControlSocket::publish(path);
    REQUIRE((first && second));
    first->withdraw();
    CHECK(can_connect(path));
    second->withdraw();
    CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a run directory that is somebody else's is refused with advice") {
    const Folder folder;
    const std::string path = folder.path + "/run";
    REQUIRE(make_run_directory(path));
    REQUIRE(make_run_directory(path));
    if (geteuid() == 0) {
        REQUIRE(chown(path.c_str(), 1, 1) == 0);
        const auto made = make_run_directory(path);
        REQUIRE_FALSE(made);
        CHECK(made.error().text() ==
              path + " belongs to uid 1, not to uid 0: change its owner or remove it");
    }
}
