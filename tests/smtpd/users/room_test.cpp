// The room over real sockets, and the real program under its confinement.
#include "smtpd/users/room.h"

#include <csignal>
#include <fstream>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "smtpd/links/snapshot_file.h"
#include "tests/catch.h"
#include "tests/smtpd/loop/turning.h"

using namespace holdfast;
using links::Lookup;

namespace {

// The far end of a channel: collects what comes.
template <class Out, class In>
class Far {
  public:
    Far(Loop& loop, UniqueFd socket) : channel_(loop, std::move(socket), *this) {}
    template <class Message>
    void on(Message&& message) {
        received.emplace_back(std::forward<Message>(message));
    }
    void on_end(ChannelEnd) { ended = true; }
    void send(Out message) { channel_.send(std::move(message)); }

    std::vector<In> received;
    bool ended = false;

  private:
    Channel<Out, In> channel_;
};

using FarParent = Far<links::ParentToUsers, links::UsersToParent>;
using FarClient = Far<links::ToUsers, links::FromUsers>;

links::UserReply reply_of(const FarClient& client, std::size_t at) {
    return std::get<links::UserReply>(client.received.at(at));
}

// A room in this process.
struct House {
    Loop loop;
    std::optional<FarParent> parent;
    std::optional<users::Room> room;

    House() {
        auto [ours, theirs] = connected_sockets(SOCK_SEQPACKET);
        parent.emplace(loop, std::move(ours));
        Entry<links::UsersSnapshot> entry;
        entry.parent = std::move(theirs);
        room.emplace(loop, std::move(entry));
        wait_until([&] { return !parent->received.empty(); });
    }
    void wait_until(const std::function<bool()>& done) { REQUIRE(turn_until(loop, done)); }
    std::unique_ptr<FarClient> introduce(links::Room name) {
        auto [ours, theirs] = connected_sockets(SOCK_SEQPACKET);
        parent->send(links::Peer{name, std::move(theirs)});
        return std::make_unique<FarClient>(loop, std::move(ours));
    }
};

}  // namespace

TEST_CASE("the room says that it is ready and answers each peer with its own numbers") {
    House house;
    CHECK(std::holds_alternative<links::Ready>(house.parent->received.at(0)));
    const auto qmgr = house.introduce(links::Room::qmgr);
    const auto control = house.introduce(links::Room::control);
    qmgr->send(links::NameQuery{7, "nobody"});
    control->send(links::UidQuery{9, 0});
    house.wait_until([&] { return !qmgr->received.empty() && !control->received.empty(); });
    CHECK(reply_of(*qmgr, 0).request == 7);
    CHECK(reply_of(*qmgr, 0).uid == 65534);
    CHECK(reply_of(*control, 0).request == 9);
    CHECK(reply_of(*control, 0).name == "root");
    qmgr->send(links::NameQuery{8, "no-such-user-here"});
    house.wait_until([&] { return qmgr->received.size() == 2; });
    CHECK(reply_of(*qmgr, 1).lookup == Lookup::unknown);
}

TEST_CASE("a peer that talks nonsense is reported and loses its channel, the other one stays") {
    House house;
    const auto qmgr = house.introduce(links::Room::qmgr);
    auto [ours, theirs] = connected_sockets(SOCK_SEQPACKET);
    house.parent->send(links::Peer{links::Room::control, std::move(theirs)});
    REQUIRE(send_packet(ours.get(), std::string(20, '\xff')));
    house.wait_until([&] { return house.parent->received.size() == 2; });
    CHECK(std::get<links::Malformed>(house.parent->received[1]).sender == links::Room::control);
    qmgr->send(links::NameQuery{1, "root"});
    house.wait_until([&] { return !qmgr->received.empty(); });
    const auto control = house.introduce(links::Room::control);
    control->send(links::NameQuery{2, "root"});
    house.wait_until([&] { return !control->received.empty(); });
    CHECK(reply_of(*control, 0).lookup == Lookup::found);
}

TEST_CASE("a peer that was replaced is forgotten, with its questions") {
    House house;
    const auto old = house.introduce(links::Room::qmgr);
    for (int i = 0; i < 100; ++i) old->send(links::NameQuery{1, "root"});
    const auto fresh = house.introduce(links::Room::qmgr);
    fresh->send(links::NameQuery{2, "root"});
    house.wait_until([&] { return old->ended && !fresh->received.empty(); });
    CHECK(reply_of(*fresh, 0).request == 2);
}

TEST_CASE("every question of a burst is answered") {
    House house;
    const auto qmgr = house.introduce(links::Room::qmgr);
    for (std::uint64_t i = 0; i < 900; ++i) qmgr->send(links::NameQuery{i, "root"});
    house.wait_until([&] { return qmgr->received.size() == 900; });
}

TEST_CASE("the room ends with status 0 when it is told to, and when the parent has gone") {
    House house;
    SECTION("told") {
        house.parent->send(links::Drain{});
    }
    SECTION("alone") {
        house.parent.reset();
    }
    CHECK(house.loop.run() == 0);
}

namespace {

// Starts the real program with `parent` as its channel, in a file system where the user database
// comes from a module that has to be loaded.
pid_t start_program(int parent) {
    const pid_t child = fork();
    if (child != 0) return child;
    std::ofstream("/dev/shm/holdfast-nsswitch") << "passwd: compat\ngroup: files\n";
    if (unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("/dev/shm/holdfast-nsswitch", "/etc/nsswitch.conf", nullptr, MS_BIND, nullptr) != 0) {
        _exit(97);
    }
    if (parent == links::parent_fd) fcntl(parent, F_SETFD, 0);
    if (parent != links::parent_fd && dup2(parent, links::parent_fd) < 0) _exit(98);
    execl(USERS_PROGRAM, USERS_PROGRAM, nullptr);
    _exit(99);
}

}  // namespace

TEST_CASE("the confined program answers from a module of the C library") {
    Loop loop;
    auto [ours, theirs] = connected_sockets(SOCK_SEQPACKET);
    const pid_t pid = start_program(theirs.get());
    theirs.reset();
    FarParent parent(loop, std::move(ours));
    links::Start start;
    start.privileged = true;
    start.uid = start.gid = 61235;
    start.snapshot = *links::seal_struct("users", links::UsersSnapshot{});
    parent.send(std::move(start));
    auto [qmgr_end, users_end] = connected_sockets(SOCK_SEQPACKET);
    parent.send(links::Peer{links::Room::qmgr, std::move(users_end)});
    parent.send(links::Go{});
    FarClient qmgr(loop, std::move(qmgr_end));
    qmgr.send(links::NameQuery{1, "nobody"});
    qmgr.send(links::NameQuery{2, "no-such-user-here"});
    qmgr.send(links::UidQuery{3, 0});
    REQUIRE(turn_until(loop, [&] { return qmgr.received.size() == 3 || parent.ended; }));
    REQUIRE(qmgr.received.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
        const auto reply = reply_of(qmgr, i);
        CHECK(reply.lookup == (reply.request == 2 ? Lookup::unknown : Lookup::found));
    }
    parent.send(links::Drain{});
    REQUIRE(turn_until(loop, [&] { return parent.ended; }));
    int status = 0;
    REQUIRE(waitpid(pid, &status, 0) == pid);
    CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 0));
    unlink("/dev/shm/holdfast-nsswitch");
}
