// One packet over a SOCK_SEQPACKET socket: a run of frames, and perhaps descriptors.
//
//     packet = { length(4, little endian) frame }*      at most max_packet bytes
//
// Many small frames share one packet, so a busy channel costs few system calls, and a reader never
// holds half a frame. No event loop in here: sendmail uses it too.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"

namespace holdfast {

inline constexpr std::size_t max_packet = std::size_t{80} * 1024;
inline constexpr std::size_t max_chunk = std::size_t{64} * 1024;  // body bytes in one frame
inline constexpr std::size_t max_packet_fds = 64;
inline constexpr std::size_t frame_header = 4;

struct Packet {
    std::string bytes;
    std::vector<UniqueFd> fds;
};

// Appends `frame` with its length in front. The frame must fit into a packet.
void append_frame(std::string& packet, std::string_view frame);

// Takes the first frame off `packet`; nothing where the packet is malformed.
std::optional<std::string_view> take_frame(std::string_view& packet);

// Sends one packet; `fds` stay the caller's. Fails with EAGAIN on a full non-blocking socket.
Status send_packet(int socket, std::string_view bytes, std::span<const int> fds = {});

// Receives one packet; an empty one with no descriptors is the end of the stream. Fails with
// EAGAIN where nothing is there, EMSGSIZE where the packet or its descriptors were cut short.
Result<Packet> receive_packet(int socket);

// As above into `buffer` (of at least max_packet bytes), which the result's view points into.
struct PacketView {
    std::string_view bytes;
    std::vector<UniqueFd> fds;
};
Result<PacketView> receive_packet_into(int socket, std::span<char> buffer);

}  // namespace holdfast
