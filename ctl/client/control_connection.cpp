#include "ctl/client/control_connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "smtpd/base/packet.h"

namespace holdfast::client {

namespace {

constexpr int busy_pause = 50;    // milliseconds
constexpr int memory_pause = 10;  // likewise

std::unexpected<Setback> setback(Trouble trouble, Error error) {
    return std::unexpected(Setback{trouble, std::move(error)});
}

bool would_block(const Error& error) {
    return error.code() == EAGAIN || error.code() == ENOBUFS;
}

void pause_for(int milliseconds) {
    (void)poll(nullptr, 0, milliseconds);
}

// False at the deadline.
bool wait_for(int socket, short events, const Deadline& deadline) {
    pollfd polled{socket, events, 0};
    while (true) {
        const int count = poll(&polled, 1, deadline.milliseconds_left());
        if (count >= 0 || errno != EINTR) return count != 0;
        if (deadline.milliseconds_left() == 0) return false;
    }
}

std::string packet_of(const links::ClientToControl& message) {
    links::Encoder encoder;
    encoder.put_frame(message);
    std::string packet;
    append_frame(packet, encoder.bytes);
    return packet;
}

}  // namespace

Deadline::Deadline(Duration patience) : patience_(patience), at_(real_clock().mono() + patience) {}

int Deadline::milliseconds_left() const {
    const Duration left = at_ - real_clock().mono();
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return static_cast<int>(std::clamp<long long>(whole, 0, 3'600'000));
}

void Deadline::restart() {
    at_ = real_clock().mono() + patience_;
}

Exchange<ControlConnection> ControlConnection::open(const std::string& path,
                                                    const Deadline& deadline) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return setback(Trouble::absent, Error(ENAMETOOLONG, "connect to", path));
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return setback(Trouble::absent, Error(errno, "make a socket for", path));
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    while (::connect(socket.get(), generic, sizeof address) != 0) {
        const Error error(errno, "connect to", path);
        if (error.code() != EAGAIN) return setback(Trouble::absent, error);
        // Its queue is full, and there is no event to wait for.
        const int left = deadline.milliseconds_left();
        if (left == 0) return setback(Trouble::busy, error);
        pause_for(std::min(left, busy_pause));
    }
    return ControlConnection(std::move(socket));
}

Exchange<Sent> ControlConnection::send(std::string_view packet, Deadline& deadline) {
    bool waited = false;
    while (true) {
        const Status sent = send_packet(socket_.get(), packet);
        if (sent) {
            if (waited) deadline.restart();
            return Sent::all;
        }
        // An early answer says more than the broken connection behind it.
        if (!would_block(sent.error())) return Sent::answered;
        if (!wait_for(socket_.get(), POLLOUT | POLLIN, deadline)) {
            return setback(Trouble::silent, Error(0, "the daemon takes no more"));
        }
        pollfd readable{socket_.get(), POLLIN, 0};
        if (poll(&readable, 1, 0) > 0) return Sent::answered;
        // No memory for the packet, though the socket has room: poll() would not have waited.
        if (sent.error().code() == ENOBUFS) pause_for(memory_pause);
        waited = true;
    }
}

Exchange<links::ControlToClient> ControlConnection::receive(const Deadline& deadline) {
    bool was_reset = false;
    while (received_.empty()) {
        if (!wait_for(socket_.get(), POLLIN, deadline)) {
            return setback(Trouble::silent, Error(0, "the daemon does not answer"));
        }
        const auto packet = receive_packet(socket_.get());
        if (!packet) {
            if (would_block(packet.error())) continue;
            // A reset is reported once, before what the daemon sent ahead of it.
            if (packet.error().code() != ECONNRESET || was_reset) {
                return setback(Trouble::lost, packet.error());
            }
            was_reset = true;
            continue;
        }
        if (packet->bytes.empty()) {
            return setback(Trouble::lost, Error(0, "the daemon closed the connection"));
        }
        if (!decode(packet->bytes)) {
            return setback(Trouble::lost, Error(0, "the daemon's answer is malformed"));
        }
    }
    links::ControlToClient message = std::move(received_.front());
    received_.pop_front();
    return message;
}

Exchange<links::Answer> ControlConnection::ask(const links::ClientToControl& request,
                                               Deadline deadline, const OnMessage& on_message) {
    const auto sent = send(packet_of(request), deadline);
    if (!sent) return std::unexpected(sent.error());
    while (true) {
        auto message = receive(deadline);
        if (!message) return std::unexpected(message.error());
        if (auto* answer = std::get_if<links::Answer>(&*message)) return std::move(*answer);
        on_message(*message);
        deadline.restart();
    }
}

bool ControlConnection::decode(std::string_view packet) {
    while (!packet.empty()) {
        const auto frame = take_frame(packet);
        if (!frame) return false;
        links::Decoder decoder(*frame, {}, links::Tail::skip);
        auto message = decoder.take_frame<links::ControlToClient>();
        if (!message) return false;
        received_.push_back(std::move(*message));
    }
    return true;
}

}  // namespace holdfast::client
