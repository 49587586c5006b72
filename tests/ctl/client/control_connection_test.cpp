#include "ctl/client/control_connection.h"

#include <cstring>
#include <optional>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "smtpd/base/packet.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::client;

namespace {

const Deadline soon(std::chrono::minutes(1));

Deadline at_once() {
    return Deadline(std::chrono::milliseconds(20));
}

std::pair<ControlConnection, UniqueFd> connected() {
    int fds[2] = {-1, -1};
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    return {ControlConnection(UniqueFd(fds[0])), UniqueFd(fds[1])};
}

std::string packet_of(const links::ControlToClient& message) {
    links::Encoder encoder;
    encoder.put_frame(message);
    std::string packet;
    append_frame(packet, encoder.bytes);
    return packet;
}

}  // namespace

TEST_CASE("whoever is not there is absent, whoever has no room is busy") {
    const std::string path = "/tmp/holdfast-connection-" + std::to_string(getpid());
    const auto fails = [](const std::string& at) {
        return ControlConnection::open(at, at_once()).error();
    };
    CHECK(fails(path).trouble == Trouble::absent);
    CHECK(fails(path).error.code() == ENOENT);
    CHECK(fails(std::string(200, 'x')).error.code() == ENAMETOOLONG);
    UniqueFd listener(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    REQUIRE(bind(listener.get(), generic, sizeof address) == 0);
    CHECK(fails(path).trouble == Trouble::absent);
    CHECK(fails(path).error.code() == ECONNREFUSED);
    REQUIRE(listen(listener.get(), 0) == 0);
    const auto first = ControlConnection::open(path, soon);
    CHECK(first);
    CHECK(fails(path).trouble == Trouble::busy);
    unlink(path.c_str());
}

TEST_CASE("a daemon that is silent, or does not read, is left at the deadline") {
    auto [connection, daemon] = connected();
    CHECK(connection.receive(at_once()).error().trouble == Trouble::silent);
    CHECK(connection.ask(links::StatusRequest{}, at_once(), ignore_message).error().trouble ==
          Trouble::silent);
    Exchange<Sent> sent;
    const std::string packet(max_chunk, 'x');
    while (sent) {
        Deadline deadline = at_once();
        sent = connection.send(packet, deadline);
    }
    CHECK(sent.error().trouble == Trouble::silent);
}

TEST_CASE("an answer that came before all was sent can be read after the daemon has closed") {
    auto [connection, daemon] = connected();
    Deadline deadline = soon;
    CHECK(connection.send("x", deadline) == Sent::all);
    REQUIRE(send_packet(daemon.get(), packet_of(links::Answer{69, "too large"})));
    daemon.reset();  // with input unread: the client's side sees a reset
    // The reset is reported once, to whichever call comes first.
    if (GENERATE(true, false)) CHECK(connection.send("y", deadline) == Sent::answered);
    const auto message = connection.receive(soon);
    REQUIRE(message);
    CHECK(std::get<links::Answer>(*message).text == "too large");
    CHECK(connection.receive(soon).error().trouble == Trouble::lost);
}

TEST_CASE("what comes before the answer is handed on") {
    auto [connection, daemon] = connected();
    const std::string two = packet_of(links::Text{1, "a"}) + packet_of(links::Text{1, "b"});
    REQUIRE(send_packet(daemon.get(), two));
    REQUIRE(send_packet(daemon.get(), packet_of(links::Answer{77, "no more"})));
    std::string text;
    const auto answer = connection.ask(links::ListRequest{}, soon, [&](const auto& message) {
        text += std::get<links::Text>(message).bytes;
    });
    REQUIRE(answer);
    CHECK(answer->text == "no more");
    CHECK(text == "ab");
}

TEST_CASE("a message is a sign of life: silence counts from there") {
    auto [connection, daemon] = connected();
    REQUIRE(send_packet(daemon.get(), packet_of(links::Text{1, "a"})));
    const Deadline first = at_once();
    std::optional<Deadline> second;
    const auto answer = connection.ask(links::ListRequest{}, first, [&](const auto&) {
        while (first.milliseconds_left() > 0) (void)poll(nullptr, 0, first.milliseconds_left());
        second = at_once();
    });
    CHECK(answer.error().trouble == Trouble::silent);
    REQUIRE(second);
    CHECK(second->milliseconds_left() == 0);
}

TEST_CASE("a daemon that says what none should has given no answer") {
    auto [connection, daemon] = connected();
    REQUIRE(send_packet(daemon.get(), "nonsense"));
    CHECK(connection.receive(soon).error().trouble == Trouble::lost);
}
