// Memory that one user could take from all: a submission whose recipients and header are more than
// Submission::small is held back only while it has the turn, and one has it at a time. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

namespace holdfast::control {

class LargeTurn {
  public:
    using Place = std::uint64_t;

    // Queues for the turn. `granted` is called once, perhaps before this returns.
    Place ask(std::uint32_t uid, std::function<void()> granted);

    // Gives the turn back, or the place in the queue. Another user's goes first, so that nobody
    // passes the turn on to himself for ever.
    void leave(Place place);

  private:
    struct Waiter {
        Place place = 0;
        std::uint32_t uid = 0;
        std::function<void()> granted;
    };

    void grant_next();

    std::deque<Waiter> waiting_;
    std::optional<Place> holder_;
    std::uint32_t last_uid_ = 0;
    Place last_place_ = 0;
};

}  // namespace holdfast::control
