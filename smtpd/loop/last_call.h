// What a room that has lost its parent listens to: the file that its parent gave it (Start::life)
// goes when a later parent is stopped, which has no channel to this room.
#pragma once

#include <functional>

#include "smtpd/base/clock.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/loop/watch.h"

namespace holdfast {

class LastCall {
  public:
    // What is in hand then is finished within this, as in a house that is stopped.
    static constexpr Duration limit = std::chrono::seconds(20);

    // Holds `life` open to its own end, which is to be that of the process: the parent that calls
    // waits for it. Without a descriptor nobody calls.
    LastCall(Loop& loop, UniqueFd life, std::function<void()> on_call);

    // From when the parent is gone.
    void listen();

  private:
    UniqueFd life_;
    std::function<void()> on_call_;
    Timer timer_;
};

}  // namespace holdfast
