#include "smtpd/base/packet.h"

#include <array>
#include <cstdint>
#include <cstring>

#include <sys/socket.h>
#include <sys/uio.h>

#include "smtpd/base/panic.h"

namespace holdfast {

namespace {

using ControlBuffer = std::array<char, CMSG_SPACE(sizeof(int) * max_packet_fds)>;

std::vector<UniqueFd> adopt_fds(msghdr& message) {
    std::vector<UniqueFd> fds;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
        const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof fd);
            fds.emplace_back(fd);
        }
    }
    return fds;
}

void attach_fds(msghdr& message, ControlBuffer& control, std::span<const int> fds) {
    if (fds.empty()) return;
    if (fds.size() > max_packet_fds) panic("more descriptors than fit into a packet");
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(part), fds.data(), sizeof(int) * fds.size());
}

}  // namespace

void append_frame(std::string& packet, std::string_view frame) {
    const auto length = static_cast<std::uint32_t>(frame.size());
    for (int shift = 0; shift < 32; shift += 8) {
        packet.push_back(static_cast<char>(length >> shift & 0xff));
    }
    packet.append(frame);
}

std::optional<std::string_view> take_frame(std::string_view& packet) {
    if (packet.size() < frame_header) return std::nullopt;
    std::uint32_t length = 0;
    for (std::size_t i = 0; i < frame_header; ++i) {
        length |= static_cast<std::uint32_t>(static_cast<unsigned char>(packet[i])) << (8 * i);
    }
    if (packet.size() - frame_header < length) return std::nullopt;
    const std::string_view frame = packet.substr(frame_header, length);
    packet.remove_prefix(frame_header + length);
    return frame;
}

Status send_packet(int socket, std::string_view bytes, std::span<const int> fds) {
    iovec vector{const_cast<char*>(bytes.data()), bytes.size()};
    alignas(cmsghdr) ControlBuffer control{};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    attach_fds(message, control, fds);
    while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
        if (errno != EINTR) return errno_error("send packet");
    }
    return {};
}

Result<PacketView> receive_packet_into(int socket, std::span<char> buffer) {
    iovec vector{buffer.data(), buffer.size()};
    alignas(cmsghdr) ControlBuffer control{};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t length = -1;
    while ((length = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0) {
        if (errno != EINTR) return errno_error("receive packet");
    }
    PacketView view{{buffer.data(), static_cast<std::size_t>(length)}, adopt_fds(message)};
    if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        return std::unexpected(Error(EMSGSIZE, "receive packet"));
    }
    return view;
}

Result<Packet> receive_packet(int socket) {
    std::string buffer(max_packet, '\0');
    auto view = receive_packet_into(socket, buffer);
    if (!view) return view.error().pass();
    buffer.resize(view->bytes.size());
    return Packet{std::move(buffer), std::move(view->fds)};
}

}  // namespace holdfast
