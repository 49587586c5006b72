// One connection to the running daemon: a request, what comes back, and plain words where nothing
// does.
#pragma once

#include <string>

#include "ctl/client/control_connection.h"
#include "ctl/client/outcome.h"

namespace holdfast::mtactl {

class Daemon {
  public:
    // Fails with 69 where no daemon runs, 75 where one does and takes no connection.
    static Attempt<Daemon> connect(const std::string& socket);

    // Sends `request` and waits for its Answer: the text, mostly empty; a status other than 0 is a
    // failure. `patience` is for each message; those before the Answer go to `on_message`. Fails
    // with 75 where the daemon goes away or is silent.
    Attempt<std::string> ask(const links::ClientToControl& request, Duration patience,
                             const client::OnMessage& on_message = client::ignore_message);

    Attempt<links::Overview> status();

    // As ask(), for a request that the daemon may not live to answer: its end is an answer too.
    Attempt<std::string> ask_to_end(const links::ClientToControl& request, Duration patience);

  private:
    explicit Daemon(client::ControlConnection connection) : connection_(std::move(connection)) {}

    client::ControlConnection connection_;
};

}  // namespace holdfast::mtactl
