// A dress rehearsal of an upgrade: the new smtpd, in a child of its own, is given the real state
// and does all that it will have to do in our place: reads the state and verifies its descriptors,
// reads the configuration, binds what is new, starts its rooms up to the point where they could
// serve, ends them again, and says how it went. Until that has succeeded nothing is given up.
#pragma once

#include <functional>
#include <memory>

#include "smtpd/parent/process.h"
#include "smtpd/parent/report.h"
#include "smtpd/parent/state.h"

namespace holdfast {

class Rehearsal {
  public:
    static constexpr Duration limit = std::chrono::seconds(25);
    static constexpr std::size_t max_words = 6000;

    // Calls `done` once, later; it may destroy this. Destroyed before, the child is killed, and
    // its rooms end with it.
    Rehearsal(Loop& loop, const Executable& smtpd, links::ParentState state,
              std::function<void(const Report&)> done);
    ~Rehearsal();

  private:
    Status start(const Executable& smtpd);
    void ended(const Ending& ending);

    Loop& loop_;
    links::ParentState state_;  // whose descriptors the child shares
    UniqueFd words_;            // what the child says: its standard error
    std::function<void(const Report&)> done_;
    std::unique_ptr<Process> process_;
    Timer deadline_;
    bool late_ = false;
};

// The child's part: `smtpd --rehearse`, the state on descriptor 3. The result is the exit status.
int rehearse();

}  // namespace holdfast
