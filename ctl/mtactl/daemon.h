// One connection to the running daemon: a request, what comes back, and plain words where nothing
// does.
#pragma once

#include <functional>
#include <string>

#include "ctl/mtactl/outcome.h"
#include "smtpd/links/control_connection.h"

namespace holdfast::mtactl {

class Daemon {
  public:
    // Fails with 69 where no daemon runs, 75 where one does and takes no connection.
    static Attempt<Daemon> connect(const std::string& socket);

    // Called with each message that comes before the Answer.
    using OnMessage = std::function<void(const links::ControlToClient&)>;

    // Sends `request` and waits for its Answer; a status other than 0 is a failure. `patience` is
    // for each message. Fails with 75 where the daemon goes away or is silent.
    Attempt<void> ask(const links::ClientToControl& request, Duration patience,
                      const OnMessage& on_message);

    // As ask(), for a request that the daemon may not live to answer: its end is an answer too.
    Attempt<void> ask_to_end(const links::ClientToControl& request, Duration patience);

  private:
    enum class End : std::uint8_t { answered, closed };

    explicit Daemon(links::ControlConnection connection) : connection_(std::move(connection)) {}

    Attempt<End> exchange(const links::ClientToControl& request, Duration patience,
                          const OnMessage& on_message);

    links::ControlConnection connection_;
};

}  // namespace holdfast::mtactl
