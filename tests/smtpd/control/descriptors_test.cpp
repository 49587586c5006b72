// Descriptors that a client sends unasked, before the room has accepted its connection. The
// listener of these tests does not refuse them, as on a kernel that can't.
#include <cstring>

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smtpd/base/packet.h"
#include "tests/catch.h"
#include "tests/smtpd/control/room_under_test.h"

using namespace holdfast;

namespace {

// Long enough to be told from the milliseconds that closing may take.
constexpr int linger_seconds = 20;
constexpr Duration a_moment = std::chrono::seconds(2);

void enter_own_network() {
    static const bool entered = [] {
        REQUIRE(unshare(CLONE_NEWNET) == 0);
        const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        ifreq request{};
        std::strcpy(request.ifr_name, "lo");
        REQUIRE(ioctl(socket.get(), SIOCGIFFLAGS, &request) == 0);
        request.ifr_flags |= IFF_UP;
        REQUIRE(ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0);
        return true;
    }();
    REQUIRE(entered);
}

// A TCP connection whose far end reads nothing, with bytes that can't leave.
struct Stuck {
    UniqueFd near;
    UniqueFd far;

    Stuck() : near(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        enter_own_network();
        const UniqueFd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        socklen_t length = sizeof address;
        REQUIRE(bind(listener.get(), generic, length) == 0);
        REQUIRE(listen(listener.get(), 1) == 0);
        REQUIRE(getsockname(listener.get(), generic, &length) == 0);
        near.reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(connect(near.get(), generic, length) == 0);
        far.reset(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
        REQUIRE(fcntl(near.get(), F_SETFL, O_NONBLOCK) == 0);
        const std::string bytes(65536, 'x');
        while (send(near.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {
        }
        const linger patience{1, linger_seconds};
        REQUIRE(setsockopt(near.get(), SOL_SOCKET, SO_LINGER, &patience, sizeof patience) == 0);
    }
};

std::string status_request() {
    links::Encoder encoder;
    encoder.put_frame(links::ClientToControl(links::StatusRequest{}));
    std::string packet;
    append_frame(packet, encoder.bytes);
    return packet;
}

bool is_closed(int socket) {
    char byte = 0;
    const ssize_t got = recv(socket, &byte, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

// How long `action` takes; what it is about must not take the time that the sockets linger.
Duration time_of(const std::function<void()>& action) {
    const MonoTime began = real_clock().mono();
    action();
    return real_clock().mono() - began;
}

}  // namespace

TEST_CASE("a lingering socket sent along to the control socket costs the room a moment only") {
    std::vector<Stuck> stuck(3);
    RoomUnderTest house;
    const UniqueFd raw = house.connect_raw();
    for (Stuck& one : stuck) {
        const int fds[] = {one.near.get()};
        REQUIRE(send_packet(raw.get(), status_request(), fds));
        one.near.reset();  // the copy under way is the last now
    }
    const auto other = house.connect();
    CHECK(time_of([&] {
              other->send(links::ListRequest{});
              CHECK(house.until([&] {
                  return is_closed(raw.get()) && house.qmgr->first<links::ListQuery>() != nullptr;
              }));
          }) < a_moment);
}

TEST_CASE("a lingering socket on a connection that is turned away costs a moment only") {
    Stuck stuck;
    RoomUnderTest house({0, 0});
    const UniqueFd raw = house.connect_raw();
    const int fds[] = {stuck.near.get()};
    REQUIRE(send_packet(raw.get(), status_request(), fds));
    stuck.near.reset();
    CHECK(time_of([&] { CHECK(house.until([&] { return is_closed(raw.get()); })); }) < a_moment);
}

TEST_CASE("a lingering socket that comes behind a proper request is not received either") {
    Stuck stuck;
    RoomUnderTest house;
    const UniqueFd raw = house.connect_raw();
    REQUIRE(send_packet(raw.get(), status_request()));
    const int fds[] = {stuck.near.get()};
    REQUIRE(send_packet(raw.get(), status_request(), fds));
    stuck.near.reset();
    CHECK(time_of([&] { CHECK(house.until([&] { return is_closed(raw.get()); })); }) < a_moment);
}
