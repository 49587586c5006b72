// Other processes that commit into the same queue: older generations, and orphans of a parent that
// was killed. While there are any, the scheduler hears here of what they commit.
//
// Each of them has opened SPOOL/committers and holds a shared lock on it. That it was opened is
// told by a watch, in time: nothing is committed before. That nobody else has it any more is asked
// once a second.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smtpd/loop/watch.h"
#include "smtpd/qmgr/queue_watch.h"
#include "smtpd/qmgr/spool.h"

namespace holdfast::qmgr {

class OtherCommitters {
  public:
    static constexpr Duration between_looks = std::chrono::seconds(1);
    // Where nothing can be watched, queue/ is walked as often.
    static constexpr Duration unwatched_walks = std::chrono::minutes(1);

    struct Callbacks {
        std::function<void(const std::vector<MessageId>&)> on_arrivals;
        std::function<void()> walk;  // queue/ may hold what nobody has told of
    };

    // `folder`: the spool's path; empty: it cannot be watched.
    OtherCommitters(Loop& loop, Spool& spool, std::string folder, Callbacks callbacks);

    // The process holds SPOOL/lock. Asks for a walk as soon as nothing can be missed behind it.
    void start();
    // Tells nothing more.
    void stop();

    // Perhaps.
    bool present() const { return present_; }
    // Its own lock is in order.
    bool quiet() const { return !looking_; }
    // Called when it is, after it was not.
    void when_quiet(std::function<void()> action) { when_quiet_ = std::move(action); }

  private:
    void open_watch();
    void newcomer();
    void look();
    void looked(const Result<bool>& alone);
    void meet();
    void part();
    void walk();

    Loop& loop_;
    Spool& spool_;
    std::string folder_;
    Callbacks callbacks_;
    std::function<void()> when_quiet_;
    std::unique_ptr<QueueWatch> watch_;
    Timer timer_;
    std::optional<MonoTime> last_walk_;
    bool present_ = false;
    bool sees_queue_ = false;  // while they are present
    bool newcomer_ = false;    // since the last look began
    bool looking_ = false;
    bool stopped_ = true;
};

}  // namespace holdfast::qmgr
