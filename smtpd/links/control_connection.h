// The client's end of the control socket, for programs that run and end: sendmail and mtactl. No
// event loop; nothing blocks past the deadline that it is given. Which daemon answers does not
// matter: what is sent is checked there, and what comes back decides nothing but what we print.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "smtpd/base/clock.h"
#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/links/control_client.h"

namespace holdfast::links {

class ControlConnection {
  public:
    // Fails with ENOENT or ECONNREFUSED where no daemon listens, ETIMEDOUT where it takes no
    // connections, ENAMETOOLONG for a path that no socket can have.
    static Result<ControlConnection> connect(const std::string& path, MonoTime deadline);

    // For a socket that is connected already.
    explicit ControlConnection(UniqueFd socket);

    // Queues `message`; full packets leave at once, the last one with flush(). Fails with EPIPE
    // where the daemon has gone or does not want more: an answer may wait all the same, see
    // receive(). Fails with ETIMEDOUT at the deadline.
    Status send(const ClientToControl& message, MonoTime deadline);
    Status flush(MonoTime deadline);

    // The next message; nothing where the daemon has closed the connection. Fails with ETIMEDOUT
    // at the deadline, EBADMSG where the daemon says what no daemon should.
    Result<std::optional<ControlToClient>> receive(MonoTime deadline);

    // Something can be received without waiting: an answer that came before all was sent, or the
    // end of the connection.
    bool has_input() const;

  private:
    Status receive_frames(MonoTime deadline);

    UniqueFd socket_;
    std::string unsent_;
    std::deque<ControlToClient> received_;
    bool closed_ = false;
};

}  // namespace holdfast::links
