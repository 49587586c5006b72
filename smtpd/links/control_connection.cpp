#include "smtpd/links/control_connection.h"

#include <algorithm>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "smtpd/base/packet.h"
#include "smtpd/base/panic.h"

namespace holdfast::links {

namespace {

constexpr Duration shortest_wait = std::chrono::milliseconds(1);

Duration time_left(MonoTime deadline) {
    return deadline - real_clock().mono();
}

// Waits for `events`; fails with ETIMEDOUT.
Status wait_for(int socket, short events, MonoTime deadline) {
    pollfd watched{socket, events, 0};
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(time_left(deadline));
        const auto wait = std::clamp<long long>(left.count(), 0, 3'600'000);
        const int ready = ::poll(&watched, 1, static_cast<int>(wait));
        if (ready > 0) return {};
        if (ready < 0 && errno != EINTR) return errno_error("wait for the daemon");
        if (time_left(deadline) <= Duration::zero()) {
            return std::unexpected(Error(ETIMEDOUT, "wait for the daemon"));
        }
    }
}

// A full accept queue makes connect() wait, and only as long as the socket's send timeout says:
// there is no event to poll for.
Status bound_connect(int socket, MonoTime deadline) {
    const auto left =
        std::chrono::ceil<std::chrono::microseconds>(std::max(time_left(deadline), shortest_wait));
    const timeval timeout{left.count() / 1'000'000, left.count() % 1'000'000};
    if (setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0) {
        return errno_error("limit the wait for the daemon");
    }
    return {};
}

Status make_nonblocking(int socket) {
    const int flags = fcntl(socket, F_GETFL);
    if (flags < 0 || fcntl(socket, F_SETFL, flags | O_NONBLOCK) != 0) {
        return errno_error("prepare the connection");
    }
    return {};
}

bool means_gone(const Error& error) {
    return error.code() == EPIPE || error.code() == ECONNRESET;
}

}  // namespace

Result<ControlConnection> ControlConnection::connect(const std::string& path, MonoTime deadline) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        return std::unexpected(Error(ENAMETOOLONG, "connect to", path));
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    UniqueFd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    if (!socket) return errno_error("open a socket");
    if (const auto bound = bound_connect(socket.get(), deadline); !bound) {
        return bound.error().pass();
    }
    while (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
           0) {
        if (errno == EINTR && time_left(deadline) > Duration::zero()) continue;
        const int code = errno == EAGAIN || errno == EINTR ? ETIMEDOUT : errno;
        return std::unexpected(Error(code, "connect to", path));
    }
    if (const auto ready = make_nonblocking(socket.get()); !ready) return ready.error().pass();
    return ControlConnection(std::move(socket));
}

ControlConnection::ControlConnection(UniqueFd socket) : socket_(std::move(socket)) {}

Status ControlConnection::send(const ClientToControl& message, MonoTime deadline) {
    Encoder encoder;
    encoder.put_frame(message);
    if (encoder.bytes.size() + frame_header > max_packet) panic("a request larger than a packet");
    if (unsent_.size() + frame_header + encoder.bytes.size() > max_packet) {
        if (const auto sent = flush(deadline); !sent) return sent;
    }
    append_frame(unsent_, encoder.bytes);
    return {};
}

Status ControlConnection::flush(MonoTime deadline) {
    while (!unsent_.empty()) {
        const auto sent = send_packet(socket_.get(), unsent_);
        if (sent) {
            unsent_.clear();
            break;
        }
        if (means_gone(sent.error())) return std::unexpected(Error(EPIPE, "send to the daemon"));
        if (sent.error().code() != EAGAIN) return sent;
        if (const auto ready = wait_for(socket_.get(), POLLOUT, deadline); !ready) return ready;
    }
    return {};
}

Result<std::optional<ControlToClient>> ControlConnection::receive(MonoTime deadline) {
    while (received_.empty() && !closed_) {
        if (const auto got = receive_frames(deadline); !got) return got.error().pass();
    }
    if (received_.empty()) return std::nullopt;
    std::optional<ControlToClient> message(std::move(received_.front()));
    received_.pop_front();
    return message;
}

Status ControlConnection::receive_frames(MonoTime deadline) {
    if (const auto ready = wait_for(socket_.get(), POLLIN, deadline); !ready) return ready;
    auto packet = receive_packet(socket_.get());
    // A daemon that closed before it had read everything: reported once, and what it said before
    // is still to be read behind it.
    if (!packet && (packet.error().code() == ECONNRESET || packet.error().code() == EAGAIN)) {
        return {};
    }
    if (!packet) return packet.error().pass();
    if (packet->bytes.empty()) closed_ = true;
    std::string_view rest = packet->bytes;
    while (!rest.empty()) {
        const auto frame = take_frame(rest);
        if (!frame) return std::unexpected(Error(EBADMSG, "read the daemon's answer"));
        Decoder decoder(*frame, {}, Tail::skip);
        auto message = decoder.take_frame<ControlToClient>();
        if (!message) return std::unexpected(Error(EBADMSG, "read the daemon's answer"));
        received_.push_back(std::move(*message));
    }
    return {};
}

bool ControlConnection::has_input() const {
    pollfd watched{socket_.get(), POLLIN, 0};
    return !received_.empty() || closed_ || ::poll(&watched, 1, 0) > 0;
}

}  // namespace holdfast::links
