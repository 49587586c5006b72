// The client's end of the control socket, for programs that run and end: sendmail and mtactl. No
// event loop; nothing waits past its deadline, and where there is no answer it tells why: what is
// to be done next depends on it. Which daemon answers does not matter: what is sent is checked
// there, and what comes back decides nothing but what we print.
#pragma once

#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "smtpd/base/clock.h"
#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/links/control_client.h"

namespace holdfast::client {

enum class Trouble : std::uint8_t {
    absent,  // nobody listens, or nobody that we can reach
    busy,    // somebody does, and had no room for one more until the deadline
    lost,    // the connection ended without an answer
    silent,  // no sign of life until the deadline
};

struct Setback {
    Trouble trouble;
    Error error;
};

template <class T>
using Exchange = std::expected<T, Setback>;

enum class Sent : std::uint8_t {
    all,
    answered,  // not all of it: the daemon has answered already, or closed
};

// How long a silent daemon is waited for. It counts anew when the daemon shows life.
class Deadline {
  public:
    explicit Deadline(Duration patience);
    int milliseconds_left() const;
    void restart();

  private:
    Duration patience_;
    MonoTime at_;
};

using OnMessage = std::function<void(const links::ControlToClient&)>;

inline void ignore_message(const links::ControlToClient&) {}

class ControlConnection {
  public:
    // Fails with absent or, at the deadline, busy.
    static Exchange<ControlConnection> open(const std::string& path, const Deadline& deadline);

    // For a socket that is connected already, and does not block.
    explicit ControlConnection(UniqueFd socket) : socket_(std::move(socket)) {}

    // Sends one packet (base/packet.h). A daemon that takes it after a while has shown life. Fails
    // with silent.
    Exchange<Sent> send(std::string_view packet, Deadline& deadline);

    // The next message. Fails with silent, or with lost where none can come any more.
    Exchange<links::ControlToClient> receive(const Deadline& deadline);

    // Sends `request` and waits for the Answer that ends it; each message that comes before is a
    // sign of life, and goes to `on_message`.
    Exchange<links::Answer> ask(const links::ClientToControl& request, Deadline deadline,
                                const OnMessage& on_message);

  private:
    bool decode(std::string_view packet);

    UniqueFd socket_;
    std::deque<links::ControlToClient> received_;
};

}  // namespace holdfast::client
