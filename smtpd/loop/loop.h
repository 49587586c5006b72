// The event loop of a process: libevent behind a few small types. Single-threaded, but for post().
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "smtpd/base/clock.h"
#include "smtpd/base/deleter.h"
#include "smtpd/base/unique_fd.h"

struct event_base;
extern "C" void event_base_free(event_base*);

namespace holdfast {

class FdWatch;

class Loop {
  public:
    explicit Loop(const Clock& clock = real_clock());
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // Runs until stop(); returns its status.
    int run();
    // run() returns at the end of this turn.
    void stop(int status = 0);

    // Handles what is ready, waiting for it first; then what after_turn() collected. For tests.
    void turn();

    // Runs once when all events of this turn have been handled: where output is gathered up.
    void after_turn(std::function<void()> action);

    // The one call for other threads: runs `action` on the loop's thread, soon.
    void post(std::function<void()> action);

    const Clock& clock() const { return clock_; }
    MonoTime now() const { return clock_.mono(); }
    event_base* base() const { return base_.get(); }

  private:
    void run_posted();

    const Clock& clock_;
    std::unique_ptr<event_base, Deleter<event_base_free>> base_;
    std::vector<std::function<void()>> after_turn_;
    bool stopped_ = false;
    int status_ = 0;

    std::mutex posted_mutex_;
    std::vector<std::function<void()>> posted_;
    UniqueFd posted_event_;
    std::unique_ptr<FdWatch> posted_watch_;
};

}  // namespace holdfast
