#include "smtpd/base/descriptors.h"

#include <sys/socket.h>
#include <unistd.h>

#include "smtpd/base/packet.h"
#include "tests/catch.h"

using namespace holdfast;

namespace {

std::pair<UniqueFd, UniqueFd> packet_pair() {
    int fds[2] = {-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

}  // namespace

TEST_CASE("descriptors that wait are seen, and not received") {
    const auto [near, far] = packet_pair();
    CHECK_FALSE(descriptors_wait(near.get()));
    REQUIRE(send_packet(far.get(), "plain"));
    CHECK_FALSE(descriptors_wait(near.get()));
    REQUIRE(receive_packet(near.get()));
    const int fds[] = {STDIN_FILENO};
    REQUIRE(send_packet(far.get(), "with one", fds));
    CHECK(descriptors_wait(near.get()));
    CHECK(descriptors_wait(near.get()));
    CHECK(receive_packet(near.get())->fds.size() == 1);
}

TEST_CASE("a kernel that can keep descriptors away does so when asked") {
    const auto [near, far] = packet_pair();
    CHECK_FALSE(refuses_descriptors(near.get()));
    refuse_descriptors(near.get());
    if (!refuses_descriptors(near.get())) return;  // Linux before 6.16
    const int fds[] = {STDIN_FILENO};
    const auto sent = send_packet(far.get(), "with one", fds);
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code() == EPERM);
    CHECK(send_packet(far.get(), "plain"));
}
