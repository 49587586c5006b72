#include "smtpd/parent/orphans.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/catch.h"

using namespace holdfast;

namespace {

struct Folder {
    std::string path = "/tmp/holdfast-orphans-XXXXXX";
    Folder() { REQUIRE(mkdtemp(path.data()) != nullptr); }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string record() const { return path + "/listeners"; }
};

// An accepting room that outlives its parent, as another parent sees it: it has the listener, and
// its name.
struct Room {
    pid_t pid = -1;
    explicit Room(int listener) {
        pid = fork();
        if (pid != 0) return;
        dup2(listener, 5);
        execlp("sleep", "smtpd: smtpin", "600", nullptr);
        _exit(127);
    }
    void wait_for_name() const {
        std::string name;
        while (name != "smtpd: smtpin") {
            std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
            std::getline(file, name, '\0');
        }
    }
    int wait_for_end() const {
        int status = 0;
        REQUIRE(waitpid(pid, &status, 0) == pid);
        return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    }
};

// A process that has inherited what is open, and keeps it.
struct Orphan {
    pid_t pid = fork();
    Orphan() {
        while (pid == 0) pause();
    }
    ~Orphan() {
        kill(pid, SIGKILL);
        waitpid(pid, nullptr, 0);
    }
};

std::vector<BoundListener> listening() {
    links::ListenPlan plan;
    plan.address = "127.0.0.1";
    plan.text = "127.0.0.1:25";
    auto change = plan_listeners({}, {plan});
    REQUIRE(change);
    REQUIRE(listen_on_added(*change));
    return std::move(change->next);
}

std::uint64_t cookie(const UniqueFd& socket) {
    std::uint64_t value = 0;
    socklen_t length = sizeof value;
    REQUIRE(getsockopt(socket.get(), SOL_SOCKET, SO_COOKIE, &value, &length) == 0);
    return value;
}

}  // namespace

TEST_CASE("a listening socket is taken over from a process that holds it still") {
    const Folder folder;
    auto listeners = listening();
    const std::uint64_t expected = cookie(listeners.front().socket);
    REQUIRE(record_listeners(folder.record(), listeners));
    const Orphan orphan;
    listeners.clear();
    const Orphans found = find_orphans(folder.record());
    REQUIRE(found.listeners.size() == 1);
    const BoundListener& taken = found.listeners.front();
    CHECK(taken.plan.text == "127.0.0.1:25");
    CHECK(taken.plan.address == "127.0.0.1");
    CHECK(cookie(taken.socket) == expected);
    CHECK(found.rooms.empty());  // this is no room of ours
}

TEST_CASE("nothing is taken over that is not the recorded socket") {
    const Folder folder;
    CHECK(find_orphans(folder.record()).listeners.empty());
    auto listeners = listening();
    REQUIRE(record_listeners(folder.record(), listeners));
    SECTION("nobody has it any more") {
        listeners.clear();
    }
    SECTION("another one has its number") {
        std::ifstream file(folder.record());
        std::string socket;
        file >> socket;
        std::ofstream(folder.record()) << socket << " 1 127.0.0.1:25\n";
    }
    SECTION("the record is rubbish") {
        std::ofstream(folder.record()) << "socket:[ x\n\n y z\n";
    }
    const Orphan orphan;
    CHECK(find_orphans(folder.record()).listeners.empty());
}

TEST_CASE("rooms that accept on what was taken over are told that they need not") {
    const Folder folder;
    auto listeners = listening();
    REQUIRE(record_listeners(folder.record(), listeners));
    const Room room(listeners.front().socket.get());
    room.wait_for_name();
    Orphans found = find_orphans(folder.record());
    CHECK(found.listeners.size() == 1);
    REQUIRE(found.rooms.size() == 1);
    relieve(found.rooms);
    CHECK(room.wait_for_end() == SIGTERM);
}
