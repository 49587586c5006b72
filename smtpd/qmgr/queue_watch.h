// Tells of what other processes do to the spool: one that opens SPOOL/committers, since it may
// commit from then on, and what gets into queue/ while that is asked for. What tells is specific to
// the system: queue_watch_linux.cpp.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "smtpd/base/error.h"
#include "smtpd/base/message_id.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/loop/watch.h"

namespace holdfast::qmgr {

class QueueWatch {
  public:
    struct Callbacks {
        std::function<void()> on_newcomer;  // of whom nothing has been told yet
        std::function<void(const std::vector<MessageId>&)> on_arrivals;  // our own ones too
        std::function<void()> on_loss;  // more has happened than could be told: look
    };

    // `spool`: its path. Watches committers, not yet queue/.
    static Result<std::unique_ptr<QueueWatch>> open(Loop& loop, const std::string& spool,
                                                    Callbacks callbacks);

    // From now on until it is ignored again; perhaps of what came a little later, too.
    Status watch_queue();
    void ignore_queue();

  private:
    QueueWatch(Loop& loop, UniqueFd fd, std::string queue, Callbacks callbacks);
    void read_events();

    UniqueFd fd_;
    std::string queue_;
    int queue_watch_ = -1;
    Callbacks callbacks_;
    FdWatch watch_;
};

}  // namespace holdfast::qmgr
