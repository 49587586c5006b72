#include "smtpd/loop/channel.h"

#include <array>

#include <fcntl.h>

#include "smtpd/base/log.h"

namespace holdfast {

namespace {

// One buffer for the process: a packet is handled before the next one is read.
std::span<char> receive_buffer() {
    static std::array<char, max_packet> buffer;
    return buffer;
}

void make_nonblocking(int fd) {
    const int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) panic("channel: fcntl failed");
}

bool would_block(const Error& error) {
    return error.code() == EAGAIN || error.code() == ENOBUFS;
}

}  // namespace

PacketChannel::PacketChannel(Loop& loop, UniqueFd socket, Callbacks callbacks,
                             Descriptors descriptors)
    : loop_(loop),
      socket_(std::move(socket)),
      callbacks_(std::move(callbacks)),
      watch_(loop, socket_.get(), [this](FdWatch::Ready ready) { on_ready(ready); }),
      refused_from_birth_(refuses_descriptors(socket_.get())) {
    if (descriptors == Descriptors::refused && !refused_from_birth_) {
        refuse_descriptors(socket_.get());
    }
    make_nonblocking(socket_.get());
    watch_.want_read(true);
}

PacketChannel::~PacketChannel() {
    if (watchful_) haste_.emplace();
}

void PacketChannel::send(std::string_view frame, std::vector<int> fds,
                         std::shared_ptr<void> owner) {
    if (ended_) return;
    if (frame.size() + frame_header > max_packet) panic("channel: a frame larger than a packet");
    const bool joins = !queue_.empty() && fds.empty() && queue_.back().fds.empty() &&
                       queue_.back().bytes.size() + frame_header + frame.size() <= max_packet;
    if (!joins) queue_.push_back({{}, std::move(fds), std::move(owner)});
    append_frame(queue_.back().bytes, frame);
    backlog_ += frame_header + frame.size();
    flush_later();
}

void PacketChannel::flush_later() {
    if (flush_planned_) return;
    flush_planned_ = true;
    loop_.after_turn(life_.guard([this] { flush(); }));
}

void PacketChannel::flush() {
    flush_planned_ = false;
    if (ended_) return;
    const bool had_output = !queue_.empty();
    while (!queue_.empty()) {
        const Outgoing& next = queue_.front();
        if (const auto sent = send_packet(socket_.get(), next.bytes, next.fds); !sent) {
            if (would_block(sent.error())) return watch_.want_write(true);
            return end(ChannelEnd::closed);
        }
        backlog_ -= next.bytes.size();
        queue_.pop_front();
    }
    watch_.want_write(false);
    if (had_output && callbacks_.on_drained) callbacks_.on_drained();
}

void PacketChannel::want_read(bool wanted) {
    if (!ended_) watch_.want_read(wanted);
}

void PacketChannel::on_ready(FdWatch::Ready ready) {
    if (ready == FdWatch::Ready::write) {
        flush();
    } else {
        receive();
    }
}

void PacketChannel::receive() {
    if (watchful_ && descriptors_wait(socket_.get())) return end(ChannelEnd::malformed);
    auto packet = receive_packet_into(socket_.get(), receive_buffer());
    if (!packet) {
        if (would_block(packet.error())) return;
        // EMSGSIZE: more than a packet, or descriptors that did not fit.
        return end(packet.error().code() == EMSGSIZE ? ChannelEnd::malformed : ChannelEnd::closed);
    }
    if (packet->bytes.empty()) return end(ChannelEnd::closed);
    const auto alive = life_.token();
    const bool well_formed = handle_frames(packet->bytes, packet->fds);
    if (!well_formed && !alive.expired() && !ended_) end(ChannelEnd::malformed);
}

// False at the first malformed frame. A packet with descriptors holds exactly one frame.
bool PacketChannel::handle_frames(std::string_view packet, std::vector<UniqueFd>& fds) {
    const auto alive = life_.token();
    while (!packet.empty()) {
        const auto frame = take_frame(packet);
        if (!frame || (!fds.empty() && !packet.empty())) return false;
        if (!callbacks_.on_frame(*frame, fds)) return false;
        if (alive.expired() || ended_) return true;
    }
    return true;
}

void PacketChannel::end(ChannelEnd how) {
    ended_ = true;
    watch_.want_read(false);
    watch_.want_write(false);
    queue_.clear();
    backlog_ = 0;
    const auto on_end = callbacks_.on_end;  // which may destroy this channel
    on_end(how);
}

}  // namespace holdfast
