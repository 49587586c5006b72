// What a loop can wait for: a descriptor, a point in time, a signal. Each is bound to its loop
// from construction to destruction and may be destroyed inside its own callback.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "smtpd/base/clock.h"
#include "smtpd/base/deleter.h"

struct event;
extern "C" void event_free(event*);

namespace holdfast {

class Loop;
struct EventCall;
using EventHandle = std::unique_ptr<event, Deleter<event_free>>;

// Level-triggered readiness of a descriptor that the caller owns and closes after this.
class FdWatch {
  public:
    enum class Ready : std::uint8_t { read, write };

    FdWatch(Loop& loop, int fd, std::function<void(Ready)> callback);
    ~FdWatch();
    FdWatch(const FdWatch&) = delete;
    FdWatch& operator=(const FdWatch&) = delete;

    void want_read(bool wanted);
    void want_write(bool wanted);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

class Timer {
  public:
    Timer(Loop& loop, std::function<void()> callback);
    ~Timer();
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    // Fires once, `delay` from now; an earlier setting is forgotten. Negative: at once.
    void set(Duration delay);
    void cancel();
    bool pending() const;

  private:
    std::unique_ptr<EventCall> call_;
};

class SignalWatch {
  public:
    SignalWatch(Loop& loop, int signal, std::function<void()> callback);
    ~SignalWatch();
    SignalWatch(const SignalWatch&) = delete;
    SignalWatch& operator=(const SignalWatch&) = delete;

  private:
    std::unique_ptr<EventCall> call_;
};

}  // namespace holdfast
