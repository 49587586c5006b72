// For an object that may go while something that it has begun is still under way.
#pragma once

#include <memory>
#include <utility>

namespace holdfast {

class Life {
  public:
    // `action`, but nothing once the owner has gone.
    template <class Action>
    auto guard(Action action) const {
        return [token = token(), action = std::move(action)](auto&&... values) mutable {
            if (!token.expired()) action(std::forward<decltype(values)>(values)...);
        };
    }
    std::weak_ptr<const char> token() const { return token_; }

  private:
    std::shared_ptr<const char> token_ = std::make_shared<char>();
};

}  // namespace holdfast
