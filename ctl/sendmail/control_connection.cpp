#include "ctl/sendmail/control_connection.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "smtpd/base/packet.h"

namespace holdfast::sendmail {

namespace {

std::unexpected<Setback> setback(Trouble trouble, const Error& error) {
    return std::unexpected(Setback{trouble, error.text()});
}

bool would_block(const Error& error) {
    return error.code() == EAGAIN || error.code() == ENOBUFS;
}

// False at the deadline.
bool wait_for(int socket, short events, const ControlConnection::Deadline& deadline) {
    pollfd polled{socket, events, 0};
    while (true) {
        const int count = poll(&polled, 1, deadline.milliseconds_left());
        if (count >= 0 || errno != EINTR) return count != 0;
        if (deadline.milliseconds_left() == 0) return false;
    }
}

}  // namespace

ControlConnection::Deadline::Deadline(Duration patience)
    : patience_(patience), at_(real_clock().mono() + patience) {}

int ControlConnection::Deadline::milliseconds_left() const {
    const Duration left = at_ - real_clock().mono();
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return static_cast<int>(std::clamp<long long>(whole, 0, 3'600'000));
}

void ControlConnection::Deadline::restart() {
    at_ = real_clock().mono() + patience_;
}

Exchange<ControlConnection> ControlConnection::open(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return setback(Trouble::absent, Error(ENAMETOOLONG, "connect to", path));
    }
    std::memcpy(address.sun_path, path.data(), path.size());
    UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket) return setback(Trouble::absent, Error(errno, "make a socket for", path));
    if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const Trouble trouble = errno == EAGAIN ? Trouble::busy : Trouble::absent;
        return setback(trouble, Error(errno, "connect to", path));
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
            return std::unexpected(Setback{Trouble::silent, "the daemon takes no more"});
        }
        pollfd readable{socket_.get(), POLLIN, 0};
        if (poll(&readable, 1, 0) > 0) return Sent::answered;
        // No memory for the packet, though the socket has room: poll() would not have waited.
        if (sent.error().code() == ENOBUFS) (void)poll(nullptr, 0, 10);
        waited = true;
    }
}

Exchange<links::ControlToClient> ControlConnection::receive(Deadline& deadline) {
    bool was_reset = false;
    while (received_.empty()) {
        if (!wait_for(socket_.get(), POLLIN, deadline)) {
            return std::unexpected(Setback{Trouble::silent, "the daemon does not answer"});
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
            return std::unexpected(Setback{Trouble::lost, "the daemon closed the connection"});
        }
        if (!decode(packet->bytes)) {
            return std::unexpected(Setback{Trouble::lost, "the daemon's answer is malformed"});
        }
    }
    links::ControlToClient message = std::move(received_.front());
    received_.pop_front();
    return message;
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

}  // namespace holdfast::sendmail
