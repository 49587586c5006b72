// A connected byte stream: bounded input, gathered output, an orderly end.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "smtpd/base/life.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/loop/watch.h"

namespace holdfast {

class Loop;

class Stream {
  public:
    struct Callbacks {
        // All unconsumed input; returns how many bytes are done with. What is left comes again
        // with more behind it. May destroy the stream.
        std::function<std::size_t(std::string_view input)> on_input;
        // The peer has closed its side (truncation: what was left unconsumed will not go on) or
        // the connection broke. The last call; may destroy the stream.
        std::function<void()> on_end;
        // All output has left. May be empty; may destroy the stream.
        std::function<void()> on_drained;
    };

    // `socket` is non-blocking. At most `input_limit` unconsumed bytes are kept: the consumer
    // must make progress with that many.
    Stream(Loop& loop, UniqueFd socket, std::size_t input_limit, Callbacks callbacks);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    // Queues output; it leaves at the end of this turn.
    void write(std::string_view bytes);

    // Stops and resumes reading. Resuming hands over what is already here, at the turn's end.
    void want_read(bool wanted);

    // Hands over again, at the turn's end, what on_input() left: its reason to leave it has gone.
    void redeliver();

    // Sends what is queued, closes our side, then discards input until the peer closes: a close
    // with input unread would turn into a reset and eat the last reply. on_end() follows; the
    // owner bounds the wait.
    void finish();

    std::size_t unsent() const { return output_.size() - sent_; }
    int socket() const { return socket_.get(); }

  private:
    void on_ready(FdWatch::Ready ready);
    void receive();
    void deliver();
    void flush();
    void flush_later();
    void end();

    Loop& loop_;
    UniqueFd socket_;
    std::size_t input_limit_;
    Callbacks callbacks_;
    FdWatch watch_;
    std::string input_;
    std::string output_;
    std::size_t sent_ = 0;
    bool reading_ = false;
    bool flush_planned_ = false;
    bool finishing_ = false;
    bool ended_ = false;
    Life life_;
};

}  // namespace holdfast
