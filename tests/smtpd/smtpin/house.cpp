#include "tests/smtpd/smtpin/house.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/catch.h"

namespace holdfast::smtpin {

namespace {

constexpr Duration patience = std::chrono::seconds(20);
constexpr Duration tick = std::chrono::milliseconds(5);

// A loopback interface that nobody else is on.
void enter_own_network() {
    static const bool entered = [] {
        REQUIRE((unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0));
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

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

UniqueFd listen_somewhere() {
    enter_own_network();
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const sockaddr_in address = loopback(0);
    REQUIRE(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(listen(socket.get(), 100) == 0);
    return socket;
}

std::uint16_t port_of(int socket) {
    sockaddr_in address{};
    socklen_t length = sizeof address;
    REQUIRE(getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    return ntohs(address.sin_port);
}

std::pair<UniqueFd, UniqueFd> channel_pair() {
    std::array<int, 2> ends{};
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) ==
            0);
    return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

}  // namespace

void FakeQueue::pump() {
    while (!closed) {
        auto packet = receive_packet(socket_.get());
        if (!packet && packet.error().code() == EAGAIN) return;
        closed = !packet || packet->bytes.empty();
        if (closed) return;
        ++packets;
        std::string_view rest = packet->bytes;
        while (!rest.empty()) {
            const auto frame = take_frame(rest);
            REQUIRE(frame);
            links::Decoder decoder(*frame, {}, links::Tail::strict);
            auto message = decoder.take_frame<links::SmtpinToQmgr>();
            REQUIRE(message);
            take(std::move(*message));
        }
    }
}

void FakeQueue::take(links::SmtpinToQmgr&& message) {
    if (auto* query = std::get_if<links::RecipientQuery>(&message)) {
        asked.push_back(query->recipient);
        questions.push_back(query->query);
        if (answers_questions) send(links::RecipientReply{query->query, {}});
    } else if (auto* chunk = std::get_if<links::Chunk>(&message)) {
        body_ += chunk->bytes;
        uncredited_ += chunk->bytes.size();
        outstanding = std::max(outstanding, uncredited_);
        transaction_ = chunk->transaction;
        if (gives_credit) give_credit();
    } else if (auto* end = std::get_if<links::End>(&message)) {
        CHECK(end->length == body_.size());
        ended.push_back(end->transaction);
        if (!commits) return;
        committed.push_back(std::exchange(body_, {}));
        send(links::Committed{end->transaction});
    } else if (std::holds_alternative<links::Abort>(message)) {
        body_.clear();
        ++aborted;
    }
}

void FakeQueue::give_credit() {
    send(links::Credit{transaction_, static_cast<std::uint32_t>(std::exchange(uncredited_, 0))});
}

void FakeQueue::send(links::QmgrToSmtpin message) {
    links::Encoder encoder;
    encoder.put_frame(message);
    send_raw(encoder.bytes);
}

void FakeQueue::send_raw(std::string_view frame) {
    std::string packet;
    append_frame(packet, frame);
    REQUIRE(send_packet(socket_.get(), packet));
}

TestClient::TestClient(std::uint16_t port)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in address = loopback(port);
    REQUIRE(connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
            0);
    fcntl(socket_.get(), F_SETFL, O_NONBLOCK);
}

std::size_t TestClient::send(std::string_view bytes) {
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return count < 0 ? 0 : static_cast<std::size_t>(count);
}

void TestClient::read() {
    std::array<char, 65536> buffer{};
    while (socket_) {
        const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (count == 0) at_end_ = true;
        if (count <= 0) return;
        received_.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

const std::string& TestClient::received() {
    read();
    return received_;
}

bool TestClient::at_end() {
    read();
    return at_end_;
}

std::string TestClient::last_line() {
    std::string_view text = received();
    if (!text.ends_with("\r\n")) return {};
    text.remove_suffix(2);
    const std::size_t start = text.rfind("\r\n");
    return std::string(start == std::string_view::npos ? text : text.substr(start + 2));
}

void TestClient::vanish() {
    const linger now{1, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    socket_.reset();
}

House::House(links::SmtpinSnapshot snapshot, const Clock& clock, Room::Lease lease)
    : loop(clock), listener(listen_somewhere()) {
    port = port_of(listener.get());
    tick_ = std::make_unique<Timer>(loop, [this] { tick_->set(tick); });
    tick_->set(tick);
    auto [ours, theirs] = channel_pair();
    parent_.emplace(loop, std::move(ours), *this);
    Entry<links::SmtpinSnapshot> entry{std::move(theirs), {}, std::move(snapshot)};
    entry.start.life.reset(mkostemp(life_.data(), O_CLOEXEC));
    room_ = std::make_unique<Room>(loop, std::move(entry), lease);
    replace_queue();
    tell_room(links::Listener{"127.0.0.1:0", UniqueFd(dup(listener.get())), links::TlsMode::none});
    tell_room(links::Go{});
    until([this] { return serving; });
}

void House::last_call() {
    unlink(life_.c_str());
}

std::uint16_t House::listen(links::TlsMode tls) {
    UniqueFd socket = listen_somewhere();
    const std::uint16_t its_port = port_of(socket.get());
    tell_room(links::Listener{"127.0.0.1:1", std::move(socket), tls});
    return its_port;
}

void House::replace_queue() {
    auto [ours, theirs] = channel_pair();
    queue = std::make_unique<FakeQueue>(std::move(ours));
    tell_room(links::Peer{links::Room::qmgr, std::move(theirs)});
}

void House::until(const std::function<bool()>& holds) {
    const MonoTime give_up = loop.now() + patience;
    while (!holds()) {
        if (loop.now() > give_up) FAIL("what was waited for did not happen");
        loop.turn();
        if (queue) queue->pump();
    }
}

std::size_t House::turn_for(Duration time) {
    const MonoTime end = loop.now() + time;
    std::size_t turns = 0;
    until([&] {
        ++turns;
        return loop.now() >= end;
    });
    return turns;
}

std::unique_ptr<TestClient> House::client_in_body() {
    auto client = std::make_unique<TestClient>(port);
    client->send("EHLO c.example\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n");
    until([&] { return client->last_line().starts_with("354 "); });
    return client;
}

}  // namespace holdfast::smtpin
