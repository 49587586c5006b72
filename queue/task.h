// A callable that is moved, never copied, so that it can own a draft or a descriptor.
#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace holdfast::queue {

template <class Signature>
class Task;

template <class Return, class... Arguments>
class Task<Return(Arguments...)> {
  public:
    Task() = default;
    template <class Callable>
        requires(!std::same_as<std::remove_cvref_t<Callable>, Task>)
    Task(Callable callable)  // NOLINT: as implicit as std::function
        : body_(std::make_unique<Body<Callable>>(std::move(callable))) {}

    explicit operator bool() const { return body_ != nullptr; }
    Return operator()(Arguments... arguments) {
        return body_->call(std::forward<Arguments>(arguments)...);
    }

  private:
    struct Base {
        virtual ~Base() = default;
        virtual Return call(Arguments... arguments) = 0;
    };
    template <class Callable>
    struct Body final : Base {
        explicit Body(Callable value) : callable(std::move(value)) {}
        Return call(Arguments... arguments) override {
            return callable(std::forward<Arguments>(arguments)...);
        }
        Callable callable;
    };

    std::unique_ptr<Base> body_;
};

}  // namespace holdfast::queue
