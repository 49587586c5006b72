#include "smtpd/base/packet.h"

#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/catch.h"

using namespace holdfast;

namespace {

std::pair<UniqueFd, UniqueFd> packet_sockets() {
    int fds[2] = {-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

std::size_t open_descriptors() {
    std::size_t count = 0;
    for (int fd = 0; fd < 1024; ++fd) count += fcntl(fd, F_GETFD) >= 0 ? 1U : 0U;
    return count;
}

}  // namespace

TEST_CASE("frames come off a packet one by one, empty ones too") {
    std::string packet;
    append_frame(packet, "one");
    append_frame(packet, "");
    append_frame(packet, "three");
    std::string_view rest = packet;
    CHECK(take_frame(rest) == "one");
    CHECK(take_frame(rest) == "");
    CHECK(take_frame(rest) == "three");
    CHECK(rest.empty());
    CHECK_FALSE(take_frame(rest));
}

TEST_CASE("a packet that is cut anywhere gives no frame that was not sent") {
    std::string packet;
    append_frame(packet, "hello");
    for (std::size_t length = 0; length < packet.size(); ++length) {
        std::string_view rest = std::string_view(packet).substr(0, length);
        CHECK_FALSE(take_frame(rest));
    }
    std::string_view huge(
        "\xff\xff\xff\xff"
        "x",
        5);
    CHECK_FALSE(take_frame(huge));
}

TEST_CASE("a packet carries bytes and descriptors, close-on-exec from birth") {
    const auto [one, two] = packet_sockets();
    const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
    const std::vector<int> fds{null.get(), null.get()};
    REQUIRE(send_packet(one.get(), "bytes", fds));
    const auto packet = receive_packet(two.get());
    REQUIRE(packet);
    CHECK(packet->bytes == "bytes");
    REQUIRE(packet->fds.size() == 2);
    struct stat sent{};
    struct stat got{};
    fstat(null.get(), &sent);
    fstat(packet->fds[1].get(), &got);
    CHECK(sent.st_rdev == got.st_rdev);
    CHECK((fcntl(packet->fds[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("the end of a stream is an empty packet, nothing there is EAGAIN") {
    auto [one, two] = packet_sockets();
    CHECK(receive_packet(two.get()).error().code() == EAGAIN);
    one.reset();
    const auto packet = receive_packet(two.get());
    REQUIRE(packet);
    CHECK(packet->bytes.empty());
    CHECK(send_packet(two.get(), "x").error().code() == EPIPE);
}

TEST_CASE("a packet above the limit is an error, not a shorter packet") {
    const auto [one, two] = packet_sockets();
    REQUIRE(send_packet(one.get(), std::string(max_packet, 'x')));
    REQUIRE(receive_packet(two.get()));
    REQUIRE(send_packet(one.get(), std::string(max_packet + 1, 'x')));
    CHECK(receive_packet(two.get()).error().code() == EMSGSIZE);
}

TEST_CASE("F14 more descriptors than fit are an error, and none of them stays open") {
    const auto [one, two] = packet_sockets();
    const UniqueFd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
    std::vector<char> control(CMSG_SPACE(sizeof(int) * (max_packet_fds + 1)));
    iovec vector{const_cast<char*>("x"), 1};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int) * (max_packet_fds + 1));
    const std::vector<int> numbers(max_packet_fds + 1, null.get());
    std::memcpy(CMSG_DATA(part), numbers.data(), numbers.size() * sizeof(int));
    const std::size_t before = open_descriptors();
    REQUIRE(sendmsg(one.get(), &message, 0) == 1);
    CHECK(receive_packet(two.get()).error().code() == EMSGSIZE);
    CHECK(open_descriptors() == before);
}
