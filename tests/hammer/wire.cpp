#include "tests/hammer/wire.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

namespace holdfast::hammer {

namespace {

SSL_CTX* context() {
    static SSL_CTX* const result = SSL_CTX_new(TLS_client_method());
    return result;
}

}  // namespace

Wire::~Wire() {
    SSL_free(session_);
}

Wire& Wire::operator=(Wire&& other) noexcept {
    std::swap(socket_, other.socket_);
    std::swap(session_, other.session_);
    return *this;
}

Wire::Moved Wire::send(std::string_view bytes) {
    if (bytes.empty()) return {};
    if (session_ != nullptr) {
        ERR_clear_error();
        const int done = SSL_write(session_, bytes.data(), static_cast<int>(bytes.size()));
        return done > 0 ? Moved{} : explain(done);
    }
    const ssize_t done = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (done == static_cast<ssize_t>(bytes.size())) return {};
    return {State::failed, 0, done < 0 ? std::strerror(errno) : "the socket is full"};
}

Wire::Moved Wire::receive(std::span<char> buffer) {
    if (session_ != nullptr) {
        ERR_clear_error();
        const int done = SSL_read(session_, buffer.data(), static_cast<int>(buffer.size()));
        return done > 0 ? Moved{State::fine, static_cast<std::size_t>(done)} : explain(done);
    }
    const ssize_t done = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (done > 0) return {State::fine, static_cast<std::size_t>(done)};
    if (done == 0) return {State::closed};
    if (errno == EAGAIN) return {State::wait};
    return {State::failed, 0, std::strerror(errno)};
}

Wire::Moved Wire::shake_hands() {
    if (session_ == nullptr) {
        session_ = SSL_new(context());
        SSL_set_fd(session_, socket_.get());
    }
    ERR_clear_error();
    const int done = SSL_connect(session_);
    return done == 1 ? Moved{} : explain(done);
}

Wire::Moved Wire::explain(int result) const {
    switch (SSL_get_error(session_, result)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
            return {State::wait};
        case SSL_ERROR_ZERO_RETURN:
            return {State::closed};
        case SSL_ERROR_SYSCALL:
            return {State::failed, 0, errno != 0 ? std::strerror(errno) : "TLS was cut off"};
        default:
            return {State::failed, 0, ERR_reason_error_string(ERR_peek_error())};
    }
}

}  // namespace holdfast::hammer
