// A connection's bytes, plain or under TLS from some point on. Takes any certificate.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "smtpd/base/unique_fd.h"

struct ssl_st;

namespace holdfast::hammer {

class Wire {
  public:
    enum class State : std::uint8_t { fine, wait, closed, failed };
    struct Moved {
        State state = State::fine;
        std::size_t bytes = 0;
        std::string reason = {};  // of State::failed
    };

    Wire() = default;
    explicit Wire(UniqueFd socket) : socket_(std::move(socket)) {}
    ~Wire();
    Wire(Wire&& other) noexcept { *this = std::move(other); }
    Wire& operator=(Wire&& other) noexcept;

    int socket() const { return socket_.get(); }

    // All or nothing: what a client says is short.
    Moved send(std::string_view bytes);
    Moved receive(std::span<char> buffer);

    // From here on; again at every sign of the socket until it does not say State::wait.
    Moved shake_hands();

  private:
    Moved explain(int result) const;

    UniqueFd socket_;
    ssl_st* session_ = nullptr;
};

}  // namespace holdfast::hammer
