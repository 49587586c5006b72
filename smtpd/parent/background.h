// Where smtpd runs and where it logs.
#pragma once

#include "smtpd/base/log.h"
#include "smtpd/base/unique_fd.h"

namespace holdfast {

// Leaves the terminal: returns in the child. The process that was started waits until the child
// has called ready() and ends with 0 then, or with the child's own status if that ends first, so
// that an init script learns how the start went. Errors still reach the terminal until ready().
class Background {
  public:
    static Result<Background> enter();
    // Runs in the foreground: ready() does nothing.
    static Background none() { return Background(UniqueFd()); }

    void ready();

  private:
    explicit Background(UniqueFd report) : report_(std::move(report)) {}
    UniqueFd report_;
};

struct LogSink {
    UniqueFd fd;  // non-blocking where it is a socket
    log::Form form = log::Form::stream;
};

// Standard error in the foreground (as a journal stream where systemd says that it is one),
// /dev/log in the background, whether somebody listens there now or not: see system_log.h.
LogSink open_log_sink(bool foreground);

}  // namespace holdfast
