// Gets a room its log back: a room is shut in and cannot reach /dev/log, so it asks the parent for
// another descriptor when nobody listens at the far end of its own any more.
#pragma once

#include <functional>

#include "smtpd/base/life.h"
#include "smtpd/loop/loop.h"

namespace holdfast {

class LogKeeper {
  public:
    // `ask` is called on the loop's thread, once a second at most. One of these in a process; it
    // outlives every other thread that logs, or their lines do not count.
    LogKeeper(Loop& loop, std::function<void()> ask);
    ~LogKeeper();
    LogKeeper(const LogKeeper&) = delete;
    LogKeeper& operator=(const LogKeeper&) = delete;

  private:
    void lost();

    Loop& loop_;
    std::function<void()> ask_;
    MonoTime asked_{};  // of lost(), which the log calls one at a time
    Life life_;
};

}  // namespace holdfast
