#include "smtpd/loop/loop.h"

#include <cstdint>
#include <utility>

#include <event2/event.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "smtpd/base/panic.h"
#include "smtpd/loop/watch.h"

namespace holdfast {

namespace {

event_base* new_base() {
    event_base* base = event_base_new();
    if (base == nullptr) panic("no event loop: event_base_new failed");
    return base;
}

}  // namespace

Loop::Loop(const Clock& clock)
    : clock_(clock), base_(new_base()), posted_event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!posted_event_) panic("no event loop: eventfd failed");
    posted_watch_ = std::make_unique<FdWatch>(*this, posted_event_.get(),
                                              [this](FdWatch::Ready) { run_posted(); });
    posted_watch_->want_read(true);
}

Loop::~Loop() = default;

int Loop::run() {
    while (!std::exchange(stopped_, false)) turn();
    return status_;
}

void Loop::stop(int status) {
    stopped_ = true;
    status_ = status;
    event_base_loopbreak(base_.get());
}

void Loop::turn() {
    // What was put off before the first turn must not wait for something to happen.
    event_base_loop(base_.get(), after_turn_.empty() ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
    // An action may add actions, which belong to the same turn.
    for (std::size_t i = 0; i < after_turn_.size(); ++i) {
        const auto action = std::move(after_turn_[i]);
        action();
    }
    after_turn_.clear();
}

void Loop::after_turn(std::function<void()> action) {
    after_turn_.push_back(std::move(action));
}

void Loop::post(std::function<void()> action) {
    bool first = false;
    {
        const std::lock_guard lock(posted_mutex_);
        first = posted_.empty();
        posted_.push_back(std::move(action));
    }
    const std::uint64_t one = 1;
    if (first && ::write(posted_event_.get(), &one, sizeof one) < 0) panic("post: eventfd failed");
}

void Loop::run_posted() {
    std::uint64_t count = 0;
    if (::read(posted_event_.get(), &count, sizeof count) < 0) return;
    std::vector<std::function<void()>> actions;
    {
        const std::lock_guard lock(posted_mutex_);
        actions.swap(posted_);
    }
    for (auto& action : actions) action();
}

}  // namespace holdfast
