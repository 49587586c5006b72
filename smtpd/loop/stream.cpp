#include "smtpd/loop/stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include <sys/socket.h>

#include "smtpd/base/panic.h"
#include "smtpd/loop/loop.h"

namespace holdfast {

namespace {

constexpr std::size_t read_size = 64 * 1024;

std::span<char> read_buffer() {
    static std::array<char, read_size> buffer;
    return buffer;
}

bool is_temporary(int error) {
    return error == EAGAIN || error == EINTR;
}

}  // namespace

Stream::Stream(Loop& loop, UniqueFd socket, std::size_t input_limit, Callbacks callbacks)
    : loop_(loop),
      socket_(std::move(socket)),
      input_limit_(input_limit),
      callbacks_(std::move(callbacks)),
      watch_(loop, socket_.get(), [this](FdWatch::Ready ready) { on_ready(ready); }) {}

Stream::~Stream() = default;

void Stream::write(std::string_view bytes) {
    if (ended_ || finishing_) return;
    output_.append(bytes);
    flush_later();
}

void Stream::want_read(bool wanted) {
    if (ended_ || finishing_ || reading_ == wanted) return;
    reading_ = wanted;
    watch_.want_read(wanted);
    if (wanted) redeliver();
}

void Stream::redeliver() {
    if (input_.empty()) return;
    loop_.after_turn(life_.guard([this] { deliver(); }));
}

void Stream::finish() {
    if (ended_ || finishing_) return;
    finishing_ = true;
    input_.clear();
    flush_later();
}

void Stream::flush_later() {
    if (flush_planned_) return;
    flush_planned_ = true;
    loop_.after_turn(life_.guard([this] { flush(); }));
}

void Stream::flush() {
    flush_planned_ = false;
    if (ended_) return;
    while (unsent() != 0) {
        const ssize_t count = ::send(socket_.get(), output_.data() + sent_, unsent(), MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && is_temporary(errno)) return watch_.want_write(true);
        if (count < 0) return end();
        sent_ += static_cast<std::size_t>(count);
    }
    output_.clear();
    sent_ = 0;
    watch_.want_write(false);
    if (finishing_) {
        ::shutdown(socket_.get(), SHUT_WR);
        watch_.want_read(true);
        return;
    }
    if (callbacks_.on_drained) callbacks_.on_drained();
}

void Stream::on_ready(FdWatch::Ready ready) {
    if (ready == FdWatch::Ready::write) {
        flush();
    } else {
        receive();
    }
}

void Stream::receive() {
    const std::size_t room = finishing_ ? read_size : input_limit_ - input_.size();
    if (room == 0) panic("a stream's consumer made no progress with a full buffer");
    const auto buffer = read_buffer().first(std::min(room, read_size));
    const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count < 0 && is_temporary(errno)) return;
    if (count <= 0) return end();
    if (finishing_) return;
    const std::string_view fresh(buffer.data(), static_cast<std::size_t>(count));
    // The usual case: everything that came is consumed, and nothing is copied.
    if (input_.empty()) {
        const auto alive = life_.token();
        const std::size_t done = callbacks_.on_input(fresh);
        if (!alive.expired() && !ended_ && !finishing_) input_.assign(fresh.substr(done));
        return;
    }
    input_.append(fresh);
    deliver();
}

void Stream::deliver() {
    if (ended_ || finishing_ || !reading_ || input_.empty()) return;
    const auto alive = life_.token();
    const std::size_t done = callbacks_.on_input(input_);
    if (!alive.expired() && !ended_ && !finishing_) input_.erase(0, done);
}

void Stream::end() {
    ended_ = true;
    watch_.want_read(false);
    watch_.want_write(false);
    const auto on_end = callbacks_.on_end;
    on_end();
}

}  // namespace holdfast
