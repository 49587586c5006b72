#include "smtpd/tls/stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include <sys/socket.h>

#include "smtpd/base/panic.h"
#include "smtpd/loop/loop.h"

namespace holdfast::tls {

namespace {

constexpr std::size_t read_size = 64 * 1024;

std::span<char> read_buffer() {
    static std::array<char, read_size> buffer;
    return buffer;
}

bool is_temporary(int error) {
    return error == EAGAIN || error == EINTR;
}

// As the steps of Layer. A broken connection leaves its reason in errno.
Moved plain_outcome(ssize_t count, Step when_busy) {
    if (count > 0) return {Step::done, static_cast<std::size_t>(count)};
    if (count == 0) return {Step::closed};
    return {is_temporary(errno) ? when_busy : Step::failed};
}

}  // namespace

// What a stream has more under TLS.
struct Stream::Security {
    Result<Layer> layer;
    OnSecured on_secured;
    Phase phase = Phase::waiting;
    std::string held;  // output that waits for the handshake
    std::size_t discarded = 0;
    // What a step waits for where that is not its own direction.
    bool handshake_writes = false;
    bool read_waits_to_write = false;
    bool write_waits_to_read = false;
};

Stream::Stream(Loop& loop, UniqueFd socket, std::size_t input_limit, Callbacks callbacks)
    : loop_(loop),
      socket_(std::move(socket)),
      input_limit_(input_limit),
      callbacks_(std::move(callbacks)),
      watch_(loop, socket_.get(), [this](FdWatch::Ready ready) { on_ready(ready); }) {}

Stream::~Stream() = default;

Stream::Phase Stream::phase() const {
    return security_ ? security_->phase : Phase::plain;
}

bool Stream::secure() const {
    return phase() == Phase::secure;
}

std::size_t Stream::unsent() const {
    return output_.size() - sent_ + (security_ ? security_->held.size() : 0);
}

// ---- the handshake

void Stream::start_tls(const ServerContext& context, OnSecured on_secured) {
    start_tls(Layer::server(context, socket_.get()), std::move(on_secured));
}

void Stream::start_tls_client(const ClientContext& context, const std::string& server_name,
                              OnSecured on_secured) {
    start_tls(Layer::client(context, socket_.get(), server_name), std::move(on_secured));
}

// The caller may be inside on_input(): everything happens at the end of the turn.
void Stream::start_tls(Result<Layer> layer, OnSecured on_secured) {
    if (ended_ || finishing_) return;
    if (security_) panic("a stream begins TLS twice");
    security_ = std::make_unique<Security>(std::move(layer), std::move(on_secured));
    update_watch();
    flush_later();
}

void Stream::begin_handshake() {
    if (!security_->layer) return end({End::How::failed, security_->layer.error().text()});
    security_->discarded = input_.size();
    input_.clear();
    security_->phase = Phase::shaking_hands;
    shake_hands();
}

void Stream::shake_hands() {
    const Step step = security_->layer->handshake();
    if (step == Step::done) return secured();
    if (step != Step::want_read && step != Step::want_write) {
        return end({End::How::failed, security_->layer->reason()});
    }
    security_->handshake_writes = step == Step::want_write;
    update_watch();
}

void Stream::secured() {
    security_->phase = Phase::secure;
    output_ = std::move(security_->held);
    security_->held.clear();
    if (!output_.empty()) flush_later();
    update_watch();
    Secured facts = security_->layer->facts();
    facts.discarded = security_->discarded;
    const auto on_secured = std::move(security_->on_secured);
    on_secured(facts);
}

// ---- input

void Stream::want_read(bool wanted) {
    if (ended_ || finishing_ || reading_ == wanted) return;
    reading_ = wanted;
    update_watch();
    if (wanted) redeliver();
}

void Stream::redeliver() {
    const bool more = secure() && security_->layer->has_pending();
    if (input_.empty() && !more) return;
    loop_.after_turn(life_.guard([this] { hand_over(); }));
}

void Stream::hand_over() {
    const bool may = !ended_ && !finishing_ && reading_ && (!security_ || secure());
    if (!may || (!input_.empty() && !offer())) return;
    if (secure() && security_->layer->has_pending()) receive();
}

void Stream::on_ready(FdWatch::Ready ready) {
    const bool write = ready == FdWatch::Ready::write;
    if (finishing_) return write ? flush() : discard();
    if (phase() == Phase::shaking_hands) return shake_hands();
    if (!secure()) return write ? flush() : receive();
    // The step that waits for this direction, whichever it is.
    const bool crossed = write ? std::exchange(security_->read_waits_to_write, false)
                               : std::exchange(security_->write_waits_to_read, false);
    if (crossed) update_watch();
    const auto alive = life_.token();
    if (write ? output_waits_ : crossed) flush();
    if (alive.expired() || ended_ || !reading_) return;
    if (!write || crossed) receive();
}

// Under TLS a whole record is taken at a time: what is left of one does not make the socket
// readable again.
void Stream::receive() {
    while (receive_some() && secure() && security_->layer->has_pending()) {
    }
}

Moved Stream::receive_into(std::span<char> buffer) {
    if (secure()) return security_->layer->read(buffer);
    return plain_outcome(::recv(socket_.get(), buffer.data(), buffer.size(), 0), Step::want_read);
}

// Whether more may be read at once.
bool Stream::receive_some() {
    const std::size_t room = input_limit_ - input_.size();
    if (room == 0) panic("a stream's consumer made no progress with a full buffer");
    const auto buffer = read_buffer().first(std::min(room, read_size));
    const Moved moved = receive_into(buffer);
    if (moved.step == Step::done) return take({buffer.data(), moved.bytes});
    if (moved.step == Step::want_write) {
        security_->read_waits_to_write = true;
        update_watch();
    } else if (moved.step != Step::want_read) {
        end(moved.step);
    }
    return false;
}

bool Stream::take(std::string_view fresh) {
    if (!input_.empty()) {
        input_.append(fresh);
        return offer();
    }
    // The usual case: everything that came is consumed, and nothing is copied.
    const auto alive = life_.token();
    const std::size_t done = callbacks_.on_input(fresh);
    if (alive.expired() || ended_ || finishing_) return false;
    input_.assign(fresh.substr(done));
    return reading_;
}

bool Stream::offer() {
    const auto alive = life_.token();
    const std::size_t done = callbacks_.on_input(input_);
    if (alive.expired() || ended_ || finishing_) return false;
    input_.erase(0, done);
    return reading_;
}

void Stream::discard() {
    const auto buffer = read_buffer();
    const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (count == 0) return end({End::How::closed, {}});
    if (count < 0 && !is_temporary(errno)) end({End::How::failed, strerrordesc_np(errno)});
}

// ---- output

void Stream::write(std::string_view bytes) {
    if (ended_ || finishing_) return;
    if (security_ && !secure()) {
        security_->held.append(bytes);
        return;
    }
    output_.append(bytes);
    flush_later();
}

void Stream::flush_later() {
    if (flush_planned_) return;
    flush_planned_ = true;
    loop_.after_turn(life_.guard([this] { flush(); }));
}

void Stream::flush() {
    flush_planned_ = false;
    if (ended_ || closed_ || !send_all()) return;
    if (finishing_) return close_our_side();
    if (phase() == Phase::waiting) return begin_handshake();
    if (phase() != Phase::shaking_hands && callbacks_.on_drained) callbacks_.on_drained();
}

// Whether everything has left, and the stream stands.
bool Stream::send_all() {
    while (sent_ != output_.size()) {
        const Moved moved = send_some();
        if (moved.step == Step::done) {
            sent_ += moved.bytes;
            continue;
        }
        if (moved.step != Step::want_write && moved.step != Step::want_read) {
            end(moved.step);
            return false;
        }
        output_waits_ = moved.step == Step::want_write;
        if (security_) security_->write_waits_to_read = !output_waits_;
        update_watch();
        return false;
    }
    output_.clear();
    sent_ = 0;
    if (std::exchange(output_waits_, false)) update_watch();
    return true;
}

Moved Stream::send_some() {
    const std::string_view rest = std::string_view(output_).substr(sent_);
    if (secure()) return security_->layer->write(rest);
    const ssize_t count = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    return plain_outcome(count, Step::want_write);
}

// ---- the end

void Stream::finish() {
    if (ended_ || finishing_) return;
    finishing_ = true;
    input_.clear();
    if (security_) security_->held.clear();
    flush_later();
}

void Stream::part_with(std::string_view last_word) {
    if (ended_ || finishing_ || unsent() != 0 || (security_ && !secure())) return;
    if (!secure()) {
        ::send(socket_.get(), last_word.data(), last_word.size(), MSG_NOSIGNAL);
        return;
    }
    if (security_->layer->write(last_word).step == Step::done) security_->layer->close();
}

void Stream::close_our_side() {
    if (secure() && security_->layer->close() == Step::want_write) {
        output_waits_ = true;
        return update_watch();
    }
    ::shutdown(socket_.get(), SHUT_WR);
    output_waits_ = false;
    closed_ = true;
    update_watch();
}

void Stream::update_watch() {
    bool read = reading_;
    bool write = output_waits_;
    if (ended_) {
        read = write = false;
    } else if (finishing_) {
        read = closed_ || reading_;
    } else if (phase() == Phase::waiting) {
        read = false;
    } else if (phase() == Phase::shaking_hands) {
        write = security_->handshake_writes;
        read = !write;
    } else if (secure()) {
        read = (reading_ && !security_->read_waits_to_write) || security_->write_waits_to_read;
        write = output_waits_ || security_->read_waits_to_write;
    }
    watch_.want_read(read);
    watch_.want_write(write);
}

void Stream::end(Step how) {
    switch (how) {
        case Step::closed:
            // A peer of ours that has closed TLS may still wait for our own word.
            if (secure()) security_->layer->close();
            return end({End::How::closed, {}});
        case Step::truncated:
            return end({End::How::truncated, security_->layer->reason()});
        case Step::failed:
            return end(
                {End::How::failed, secure() ? security_->layer->reason() : strerrordesc_np(errno)});
        case Step::done:
        case Step::want_read:
        case Step::want_write:
            break;
    }
    panic("a stream ended without an end");
}

void Stream::end(const End& end) {
    ended_ = true;
    update_watch();
    const auto on_end = callbacks_.on_end;
    on_end(end);
}

}  // namespace holdfast::tls
