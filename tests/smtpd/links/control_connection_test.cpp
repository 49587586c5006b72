#include "smtpd/links/control_connection.h"

#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "smtpd/base/packet.h"
#include "tests/catch.h"

using namespace holdfast;
using links::ControlConnection;

namespace {

MonoTime soon() {
    return real_clock().mono() + std::chrono::seconds(5);
}
MonoTime at_once() {
    return real_clock().mono() + std::chrono::milliseconds(20);
}

std::pair<UniqueFd, UniqueFd> packet_sockets() {
    int fds[2] = {-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

std::string packet_of(const links::ControlToClient& message) {
    links::Encoder encoder;
    encoder.put_frame(message);
    std::string packet;
    append_frame(packet, encoder.bytes);
    return packet;
}

}  // namespace

TEST_CASE("without a daemon the connection fails with ENOENT or ECONNREFUSED") {
    const std::string path = "/tmp/holdfast-connection-" + std::to_string(getpid());
    CHECK(ControlConnection::connect(path, soon()).error().code() == ENOENT);
    UniqueFd listener(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    REQUIRE(bind(listener.get(), generic, sizeof address) == 0);
    CHECK(ControlConnection::connect(path, soon()).error().code() == ECONNREFUSED);
    REQUIRE(listen(listener.get(), 0) == 0);
    const auto first = ControlConnection::connect(path, soon());
    CHECK(first);
    // The queue is full now: the second waits for its deadline.
    CHECK(ControlConnection::connect(path, at_once()).error().code() == ETIMEDOUT);
    CHECK(ControlConnection::connect(std::string(200, 'x'), soon()).error().code() == ENAMETOOLONG);
    unlink(path.c_str());
}

TEST_CASE("a daemon that is silent, or does not read, is left at the deadline") {
    auto [ours, theirs] = packet_sockets();
    ControlConnection connection(std::move(ours));
    CHECK(connection.receive(at_once()).error().code() == ETIMEDOUT);
    Status sent;
    const links::SubmitBytes chunk{std::string(max_chunk, 'x')};
    while (sent) sent = connection.send(chunk, at_once());
    CHECK(sent.error().code() == ETIMEDOUT);
}

TEST_CASE("an answer that came before all was sent can be read after the daemon has closed") {
    auto [ours, theirs] = packet_sockets();
    ControlConnection connection(std::move(ours));
    REQUIRE(connection.send(links::SubmitBytes{"x"}, soon()));
    REQUIRE(connection.flush(soon()));
    REQUIRE(send_packet(theirs.get(), packet_of(links::Answer{69, "too large"})));
    theirs.reset();  // with input unread: the client's side sees a reset
    CHECK(connection.has_input());
    REQUIRE(connection.send(links::SubmitEnd{}, soon()));
    CHECK(connection.flush(soon()).error().code() == EPIPE);
    const auto message = connection.receive(soon());
    REQUIRE(message);
    REQUIRE(*message);
    CHECK(std::get<links::Answer>(**message).text == "too large");
    const auto end = connection.receive(soon());
    REQUIRE(end);
    CHECK_FALSE(*end);
}

TEST_CASE("a daemon that says what none should is an error") {
    auto [ours, theirs] = packet_sockets();
    ControlConnection connection(std::move(ours));
    REQUIRE(send_packet(theirs.get(), "nonsense"));
    CHECK(connection.receive(soon()).error().code() == EBADMSG);
}
