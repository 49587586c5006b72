// Sockets that the configuration has dropped a moment ago. Rooms of the last generation accept on
// them yet (links::leaving_lease), so that their addresses cannot be bound anew: who wants them
// back meanwhile gets the same sockets.
#pragma once

#include <vector>

#include "smtpd/links/handover.h"
#include "smtpd/loop/loop.h"
#include "smtpd/loop/watch.h"
#include "smtpd/parent/listeners.h"

namespace holdfast {

class LeavingListeners {
  public:
    explicit LeavingListeners(Loop& loop) : loop_(loop), timer_(loop, [this] { let_go(); }) {}

    // `now` has come in the place of `before`.
    void replaced(std::vector<BoundListener> before, const std::vector<BoundListener>& now);

    // Copies of these and of `listeners`: all that a plan can go on with.
    std::vector<BoundListener> and_those(const std::vector<BoundListener>& listeners) const;

    // For a successor in this process: as ListenerState::leaving.
    void leave(std::vector<links::ListenerState>& state) const;

  private:
    struct One {
        BoundListener listener;
        MonoTime until;
    };
    void let_go();

    Loop& loop_;
    std::vector<One> all_;  // that of the next end first
    Timer timer_;
};

}  // namespace holdfast
