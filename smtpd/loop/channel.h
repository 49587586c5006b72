// One end of a link between two rooms: typed messages over a SOCK_SEQPACKET socket. What is sent
// in one turn of the loop shares as few packets as it can. A peer that is slow costs memory here,
// so every link bounds what may be outstanding (windows, one query at a time); a channel whose
// peer cannot be trusted to read asks backlog() first.
#pragma once

#include <concepts>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "smtpd/base/descriptors.h"
#include "smtpd/base/life.h"
#include "smtpd/base/packet.h"
#include "smtpd/base/panic.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/links/codec.h"
#include "smtpd/loop/loop.h"
#include "smtpd/loop/watch.h"

namespace holdfast {

enum class ChannelEnd : std::uint8_t {
    closed,     // the peer has gone, or the connection broke
    malformed,  // the peer sent what the link does not allow
};

// The untyped half: packets in and out. Users have Channel, below.
class PacketChannel {
  public:
    struct Callbacks {
        // One frame; false where it is malformed. May destroy the channel.
        std::function<bool(std::string_view frame, std::vector<UniqueFd>& fds)> on_frame;
        // The last call. May destroy the channel.
        std::function<void(ChannelEnd)> on_end;
        // Everything that was sent has left. May be empty.
        std::function<void()> on_drained;
    };

    // Descriptors that this channel never carries are refused, by a kernel that can: a peer that
    // has been broken into cannot use them to hold up this process.
    enum class Descriptors : std::uint8_t { carried, refused };

    PacketChannel(Loop& loop, UniqueFd socket, Callbacks callbacks, Descriptors descriptors);
    ~PacketChannel();
    PacketChannel(const PacketChannel&) = delete;
    PacketChannel& operator=(const PacketChannel&) = delete;

    // Queues a frame; `owner` keeps its descriptors alive until they are sent.
    void send(std::string_view frame, std::vector<int> fds, std::shared_ptr<void> owner);

    // Writes what is queued as far as the socket takes it, without waiting for the turn's end.
    void flush();

    // Stops and resumes reading: the peer's sends block or queue up meanwhile.
    void want_read(bool wanted);

    // The peer may be anybody. Where the kernel has not refused descriptors from the first, a
    // packet with descriptors is never received: it ends the channel as malformed, and the channel
    // is closed in a hurry. Not for a channel that carries some.
    void distrust() { watchful_ = !refused_from_birth_; }

    std::size_t backlog() const { return backlog_; }
    int socket() const { return socket_.get(); }

  private:
    struct Outgoing {
        std::string bytes;
        std::vector<int> fds;
        std::shared_ptr<void> owner;
    };

    void on_ready(FdWatch::Ready ready);
    void receive();
    bool handle_frames(std::string_view packet, std::vector<UniqueFd>& fds);
    void end(ChannelEnd how);
    void flush_later();

    Loop& loop_;
    std::optional<HastyClose> haste_;  // outlives the socket
    UniqueFd socket_;
    Callbacks callbacks_;
    FdWatch watch_;
    bool refused_from_birth_;
    bool watchful_ = false;
    std::deque<Outgoing> queue_;
    std::size_t backlog_ = 0;
    bool flush_planned_ = false;
    bool ended_ = false;
    Life life_;
};

// Handler has `void on(Message&&)` for each alternative of In (a missing one does not compile) and
// `void on_end(ChannelEnd)`; it may have `void on_drained()`, and `void on_unknown()`: a message of
// a kind that only a later version of the link has, which then does not end the channel. It
// outlives the channel and may destroy it in any of these. After on_end() nothing more comes, and
// what is sent is dropped.
template <class Out, class In>
class Channel {
  public:
    template <class Handler>
    Channel(Loop& loop, UniqueFd socket, Handler& handler, links::Tail tail = links::Tail::strict)
        : packets_(loop, std::move(socket), callbacks(handler, tail),
                   links::holds_descriptors<In>() ? PacketChannel::Descriptors::carried
                                                  : PacketChannel::Descriptors::refused) {}

    void send(Out message) {
        links::Encoder encoder;
        encoder.put_frame(message);
        std::shared_ptr<void> owner;
        if (!encoder.fds.empty()) owner = std::make_shared<Out>(std::move(message));
        packets_.send(encoder.bytes, std::move(encoder.fds), std::move(owner));
    }

    void flush() { packets_.flush(); }
    void want_read(bool wanted) { packets_.want_read(wanted); }
    void distrust()
        requires(!links::holds_descriptors<In>())
    {
        packets_.distrust();
    }
    std::size_t backlog() const { return packets_.backlog(); }
    int socket() const { return packets_.socket(); }

  private:
    template <class Handler>
    static PacketChannel::Callbacks callbacks(Handler& handler, links::Tail tail) {
        PacketChannel::Callbacks result;
        result.on_frame = [&handler, tail](std::string_view frame, std::vector<UniqueFd>& fds) {
            links::Decoder decoder(frame, fds, tail);
            auto message = decoder.template take_frame<In>();
            if constexpr (requires { handler.on_unknown(); }) {
                if (!message && links::Decoder::is_of_later_kind<In>(frame)) {
                    handler.on_unknown();
                    return true;
                }
            }
            if (!message) return false;
            std::visit([&](auto& value) { handler.on(std::move(value)); }, *message);
            return true;
        };
        result.on_end = [&handler](ChannelEnd how) { handler.on_end(how); };
        if constexpr (requires { handler.on_drained(); }) {
            result.on_drained = [&handler] { handler.on_drained(); };
        }
        return result;
    }

    PacketChannel packets_;
};

}  // namespace holdfast
