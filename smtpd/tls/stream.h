// A connected byte stream: bounded input, gathered output, an orderly end; plain, or under TLS
// from some point on.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "smtpd/base/life.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/loop/watch.h"
#include "smtpd/tls/layer.h"

namespace holdfast {
class Loop;
}

namespace holdfast::tls {

// How a stream ended. Only `closed` means that the peer has sent all it had to say; plain streams
// can't tell it from a connection that was cut.
struct End {
    enum class How : std::uint8_t {
        closed,     // the peer closed its side
        truncated,  // under TLS: the connection ended, but TLS did not
        failed,     // the connection broke, or the handshake did
    };
    How how = How::closed;
    std::string reason;  // for the log; empty where it was closed
};

class Stream {
  public:
    struct Callbacks {
        // All unconsumed input; returns how many bytes are done with. What is left comes again
        // with more behind it. May destroy the stream.
        std::function<std::size_t(std::string_view input)> on_input;
        // What was left unconsumed will not go on. The last call; may destroy the stream.
        std::function<void(const End& end)> on_end;
        // All output has left. May be empty; may destroy the stream.
        std::function<void()> on_drained;
    };
    using OnSecured = std::function<void(const Secured&)>;  // may destroy the stream

    // `socket` is non-blocking. At most `input_limit` unconsumed bytes are kept: the consumer
    // must make progress with that many.
    Stream(Loop& loop, UniqueFd socket, std::size_t input_limit, Callbacks callbacks);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // Begins TLS, once, when all output so far has left. Input that has not been consumed by then
    // came before TLS and is thrown away: Secured tells how much. What is written from here on
    // waits for the handshake. `on_secured` comes when that is done, on_end() when it fails; how
    // long it may take is the owner's business. Over a fresh connection: implicit TLS.
    void start_tls(const ServerContext& context, OnSecured on_secured);
    // The same as a client; `server_name` for SNI, empty: none.
    void start_tls_client(const ClientContext& context, const std::string& server_name,
                          OnSecured on_secured);

    // Queues output; it leaves at the end of this turn.
    void write(std::string_view bytes);

    // Stops and resumes reading. Resuming hands over what is already here, at the turn's end. The
    // handshake goes on meanwhile.
    void want_read(bool wanted);

    // Hands over again, at the turn's end, what on_input() left: its reason to leave it has gone.
    void redeliver();

    // Sends what is queued, closes our side (TLS first), then discards input until the peer
    // closes: a close with input unread would turn into a reset and eat the last reply. on_end()
    // follows; the owner bounds the wait. During a handshake nothing more is sent.
    void finish();

    // Says a last word as far as the socket takes it at once, for a stream that is destroyed next.
    // Nothing during a handshake, or where the peer has not read what came before.
    void part_with(std::string_view last_word);

    std::size_t unsent() const;
    bool secure() const;
    int socket() const { return socket_.get(); }

  private:
    struct Security;
    enum class Phase : std::uint8_t { plain, waiting, shaking_hands, secure };

    Phase phase() const;
    void start_tls(Result<Layer> layer, OnSecured on_secured);
    void begin_handshake();
    void shake_hands();
    void secured();

    void on_ready(FdWatch::Ready ready);
    void receive();
    bool receive_some();
    Moved receive_into(std::span<char> buffer);
    bool take(std::string_view fresh);
    bool offer();
    void hand_over();
    void discard();

    void flush();
    void flush_later();
    bool send_all();
    Moved send_some();
    void close_our_side();

    void update_watch();
    void end(Step how);
    void end(const End& end);

    Loop& loop_;
    UniqueFd socket_;
    std::size_t input_limit_;
    Callbacks callbacks_;
    FdWatch watch_;
    std::string input_;
    std::string output_;
    std::size_t sent_ = 0;
    std::unique_ptr<Security> security_;  // none while the stream is plain
    bool reading_ = false;
    bool output_waits_ = false;  // for the socket to take more
    bool flush_planned_ = false;
    bool finishing_ = false;
    bool closed_ = false;  // our side
    bool ended_ = false;
    Life life_;
};

}  // namespace holdfast::tls
