// A connection to the daemon's control socket that never waits past a deadline, and that tells
// why there is no answer: what is to be done next depends on it.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <string>
#include <string_view>

#include "smtpd/base/clock.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/links/control_client.h"

namespace holdfast::sendmail {

enum class Trouble : std::uint8_t {
    absent,  // nobody listens
    busy,    // somebody does, and has no room for one more
    lost,    // the connection ended without an answer
    silent,  // no sign of life until the deadline
};

struct Setback {
    Trouble trouble = Trouble::absent;
    std::string text;
};

template <class T>
using Exchange = std::expected<T, Setback>;

enum class Sent : std::uint8_t {
    all,
    answered,  // not all of it: the daemon has answered already
};

class ControlConnection {
  public:
    static Exchange<ControlConnection> open(const std::string& path);

    // A daemon that takes a packet after a while has shown life: `deadline` then counts anew.
    class Deadline {
      public:
        explicit Deadline(Duration patience);
        int milliseconds_left() const;
        void restart();

      private:
        Duration patience_;
        MonoTime at_;
    };

    Exchange<Sent> send(std::string_view packet, Deadline& deadline);
    Exchange<links::ControlToClient> receive(Deadline& deadline);

  private:
    explicit ControlConnection(UniqueFd socket) : socket_(std::move(socket)) {}

    bool decode(std::string_view packet);

    UniqueFd socket_;
    std::deque<links::ControlToClient> received_;
};

}  // namespace holdfast::sendmail
