// How often an event may be logged that anybody can cause as often as he likes: a burst, then one
// in a while. What is held back is counted, and the next line that is not tells how many they were.
#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "smtpd/base/clock.h"

namespace holdfast {

class EventLimit {
  public:
    static constexpr unsigned burst = 20;
    static constexpr Duration interval = std::chrono::seconds(1);

    // Nothing where this one is to be held back; else how many were since the last that was not.
    std::optional<unsigned> admit(MonoTime now) {
        // Each takes one interval; `spent_until_` says when all that were admitted are paid for.
        spent_until_ = std::max(spent_until_, now);
        if (spent_until_ - now > (burst - 1) * interval) {
            ++held_back_;
            return std::nullopt;
        }
        spent_until_ += interval;
        return std::exchange(held_back_, 0U);
    }

  private:
    MonoTime spent_until_{};
    unsigned held_back_ = 0;
};

}  // namespace holdfast
