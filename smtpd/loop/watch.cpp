#include "smtpd/loop/watch.h"

#include <algorithm>

#include <event2/event.h>

#include "smtpd/base/panic.h"
#include "smtpd/loop/loop.h"

namespace holdfast {

namespace {

EventHandle make_event(Loop& loop, int fd, short what, event_callback_fn callback, void* context) {
    EventHandle handle(event_new(loop.base(), fd, what, callback, context));
    if (handle == nullptr) panic("event_new failed");
    return handle;
}

timeval to_timeval(Duration delay) {
    const auto microseconds =
        std::max<long long>(0, std::chrono::ceil<std::chrono::microseconds>(delay).count());
    return {microseconds / 1'000'000, microseconds % 1'000'000};
}

}  // namespace

struct FdWatch::State {
    std::function<void(Ready)> callback;
    EventHandle read;
    EventHandle write;
    bool reading = false;
    bool writing = false;
};

namespace {

void set_wanted(event* handle, bool& current, bool wanted) {
    if (current == wanted) return;
    const int failed = wanted ? event_add(handle, nullptr) : event_del(handle);
    if (failed != 0) panic("the event loop refused a descriptor");
    current = wanted;
}

}  // namespace

// The callback is copied before it is called: it may destroy the watch that holds it.
FdWatch::FdWatch(Loop& loop, int fd, std::function<void(Ready)> callback)
    : state_(std::make_unique<State>()) {
    state_->callback = std::move(callback);
    const auto on_event = [](evutil_socket_t, short what, void* context) noexcept {
        const auto call = static_cast<State*>(context)->callback;
        call((what & EV_WRITE) != 0 ? Ready::write : Ready::read);
    };
    state_->read = make_event(loop, fd, EV_READ | EV_PERSIST, on_event, state_.get());
    state_->write = make_event(loop, fd, EV_WRITE | EV_PERSIST, on_event, state_.get());
}

FdWatch::~FdWatch() = default;

void FdWatch::want_read(bool wanted) {
    set_wanted(state_->read.get(), state_->reading, wanted);
}
void FdWatch::want_write(bool wanted) {
    set_wanted(state_->write.get(), state_->writing, wanted);
}

// What a timer and a signal have in common: one event, one callback.
struct EventCall {
    EventCall(Loop& loop, int signal, short what, std::function<void()> action)
        : callback(std::move(action)), handle(make_event(loop, signal, what, run, this)) {}

    static void run(evutil_socket_t, short, void* context) noexcept {
        const auto call = static_cast<EventCall*>(context)->callback;
        call();
    }

    std::function<void()> callback;
    EventHandle handle;
};

Timer::Timer(Loop& loop, std::function<void()> callback)
    : call_(std::make_unique<EventCall>(loop, -1, 0, std::move(callback))) {}

Timer::~Timer() = default;

void Timer::set(Duration delay) {
    const timeval time = to_timeval(delay);
    if (event_add(call_->handle.get(), &time) != 0) panic("the event loop refused a timer");
}

void Timer::cancel() {
    event_del(call_->handle.get());
}

bool Timer::pending() const {
    return event_pending(call_->handle.get(), EV_TIMEOUT, nullptr) != 0;
}

SignalWatch::SignalWatch(Loop& loop, int signal, std::function<void()> callback)
    : call_(
          std::make_unique<EventCall>(loop, signal, EV_SIGNAL | EV_PERSIST, std::move(callback))) {
    if (event_add(call_->handle.get(), nullptr) != 0) panic("the event loop refused a signal");
}

SignalWatch::~SignalWatch() = default;

}  // namespace holdfast
