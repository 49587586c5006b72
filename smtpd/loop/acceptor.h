// Takes connections from a listening socket that this process shares with others: never shut
// down, only let go.
#pragma once

#include <functional>
#include <string>

#include "smtpd/base/life.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/loop/watch.h"

namespace holdfast {

class Loop;

class Acceptor {
  public:
    // `listener` is non-blocking and listening; `address` is for the log. `on_accept` gets each
    // connection, O_CLOEXEC and non-blocking.
    Acceptor(Loop& loop, UniqueFd listener, std::string address,
             std::function<void(UniqueFd)> on_accept);

    // Connections wait in the listener's queue, where another process may take them.
    void want_connections(bool wanted);

    // All that wait now: closing the last descriptor of a listener resets those in its queue.
    void take_waiting();

    const std::string& address() const { return address_; }

  private:
    void accept_some(int most);
    void rest(const std::string& why);

    UniqueFd listener_;
    std::string address_;
    std::function<void(UniqueFd)> on_accept_;
    FdWatch watch_;
    Timer rest_timer_;
    bool wanted_ = false;
    Life life_;
};

}  // namespace holdfast
