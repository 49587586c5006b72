// When a message is tried again, and how old it is. Pure.
#pragma once

#include <cstdint>
#include <random>

#include "smtpd/base/clock.h"
#include "smtpd/links/snapshots.h"

namespace holdfast::qmgr {

class Backoff {
  public:
    Backoff(const links::QmgrSnapshot& config, std::uint32_t seed);

    // How long to wait after the `attempts`th attempt: the first delay, doubled each time up to the
    // limit, less up to a fifth, so that what failed together does not come back together.
    Duration delay(std::uint32_t attempts);

    // For how long a message with so many attempts has been tried, at the least pace.
    Duration tried_for(std::uint32_t attempts) const;

    // The age of a message that was found in the queue. The wall clock may have jumped since it
    // was admitted (F48), so it is believed only as far as the attempts bear it out: a message is
    // never older than what it was tried for and one more delay.
    Duration age(Duration by_wall_clock, std::uint32_t attempts) const;

    bool expired(Duration age) const { return age >= expire_; }
    // Old enough for its sender to be told that it takes longer.
    bool overdue(Duration age) const { return age >= warn_; }

  private:
    Duration undisturbed(std::uint32_t attempts) const;

    Duration first_;
    Duration limit_;
    Duration expire_;
    Duration warn_;
    std::minstd_rand random_;
};

}  // namespace holdfast::qmgr
