// How soon a room that died is started again: at once, ten times in a row; after that once a
// second, so that a room which dies at every start does not eat the machine.
#pragma once

#include <algorithm>
#include <cstdint>

#include "smtpd/base/clock.h"

namespace holdfast {

class RestartBudget {
  public:
    static constexpr std::uint32_t burst = 10;
    static constexpr Duration refill = std::chrono::seconds(1);

    // Counts a restart and says how long to wait before it.
    Duration take(MonoTime now) {
        ++restarts_;
        // `full_` is when the whole burst is there again; each restart moves it by one refill.
        full_ = std::max(full_, now) + refill;
        const Duration debt = full_ - now - burst * refill;
        return std::max(debt, Duration::zero());
    }

    std::uint32_t restarts() const { return restarts_; }
    // Those that an earlier program in this process has counted.
    void resume(std::uint32_t restarts) { restarts_ = restarts; }

  private:
    MonoTime full_;
    std::uint32_t restarts_ = 0;
};

}  // namespace holdfast
