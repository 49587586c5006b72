#include "tests/smtpd/control/room_under_test.h"

#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/catch.h"

namespace holdfast {

namespace {

constexpr Duration tick = std::chrono::milliseconds(20);
constexpr Duration patience = std::chrono::seconds(30);

std::string make_folder() {
    std::string pattern = "/tmp/holdfast-control-XXXXXX";
    REQUIRE(mkdtemp(pattern.data()) != nullptr);
    REQUIRE(chmod(pattern.c_str(), 0755) == 0);
    return pattern;
}

sockaddr_un address_of(const std::string& folder) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, (folder + "/control").c_str());
    return address;
}

UniqueFd listen_in(const std::string& folder) {
    UniqueFd listener(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const sockaddr_un address = address_of(folder);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    REQUIRE(bind(listener.get(), generic, sizeof address) == 0);
    REQUIRE(chmod(address.sun_path, 0666) == 0);
    REQUIRE(listen(listener.get(), 1000) == 0);
    return listener;
}

void commit_all(TestQmgr& qmgr) {
    qmgr.answer_with([&qmgr](const links::ControlToQmgr& message) {
        if (const auto* chunk = std::get_if<links::Chunk>(&message)) {
            qmgr.send(
                links::Credit{chunk->transaction, static_cast<std::uint32_t>(chunk->bytes.size())});
        }
        if (const auto* end = std::get_if<links::End>(&message)) {
            qmgr.send(links::Committed{end->transaction});
        }
    });
}

void know_everybody(TestUsers& users) {
    users.answer_with([&users](const links::ToUsers& message) {
        if (const auto* query = std::get_if<links::UidQuery>(&message)) {
            users.send(links::UserReply{query->request, links::Lookup::found, "alice", query->uid,
                                        "Alice Example", "/home/alice"});
        }
    });
}

}  // namespace

std::pair<UniqueFd, UniqueFd> packet_sockets() {
    int fds[2] = {-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

RoomUnderTest::RoomUnderTest(control::Clients::Limits limits, const Clock& clock)
    : loop(clock), folder_(make_folder()), tick_(loop, [this] { tick_.set(tick); }) {
    tick_.set(tick);
    auto [ours, theirs] = packet_sockets();
    parent = std::make_unique<TestParent>(loop, std::move(ours));
    Entry<links::ControlSnapshot> entry{
        std::move(theirs), {}, {"box.example.net", "box.example.net", 10'000'000}};
    room = std::make_unique<control::Room>(loop, std::move(entry), limits);
    start_qmgr();
    start_users();
    parent->send(links::Listener{folder_ + "/control", listen_in(folder_)});
    parent->send(links::Go{});
}

RoomUnderTest::~RoomUnderTest() {
    ::unlink((folder_ + "/control").c_str());
    ::rmdir(folder_.c_str());
}

bool RoomUnderTest::until(const std::function<bool()>& done) {
    const MonoTime deadline = real_clock().mono() + patience;
    while (!done()) {
        if (real_clock().mono() > deadline) return false;
        loop.turn();
    }
    return true;
}

template <class Peer>
std::unique_ptr<Peer> RoomUnderTest::introduce(links::Room who) {
    auto [ours, theirs] = packet_sockets();
    parent->send(links::Peer{who, std::move(theirs)});
    return std::make_unique<Peer>(loop, std::move(ours));
}

void RoomUnderTest::start_qmgr() {
    qmgr = introduce<TestQmgr>(links::Room::qmgr);
    commit_all(*qmgr);
}

void RoomUnderTest::start_users() {
    users = introduce<TestUsers>(links::Room::users);
    know_everybody(*users);
}

UniqueFd RoomUnderTest::connect_raw() const {
    UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    const sockaddr_un address = address_of(folder_);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    REQUIRE(::connect(socket.get(), generic, sizeof address) == 0);
    return socket;
}

std::unique_ptr<TestClient> RoomUnderTest::connect() {
    return std::make_unique<TestClient>(loop, connect_raw());
}

std::vector<links::ClientToControl> submission_of(const std::string& message,
                                                  const std::vector<std::string>& recipients) {
    links::Submit submit;
    submit.id = MessageId::generate(real_clock().wall());
    submit.length = message.size();
    std::vector<links::ClientToControl> result;
    result.emplace_back(std::move(submit));
    result.emplace_back(links::SubmitRecipients{recipients});
    for (std::size_t at = 0; at < message.size(); at += max_chunk) {
        result.emplace_back(links::SubmitBytes{message.substr(at, max_chunk)});
    }
    result.emplace_back(links::SubmitEnd{});
    return result;
}

}  // namespace holdfast
