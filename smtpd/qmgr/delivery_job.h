// One delivery on its way through an agent.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "queue/slice.h"
#include "queue/store.h"
#include "smtpd/links/qmgr_mda.h"

namespace holdfast::qmgr {

enum class JobEnd : std::uint8_t {
    reported,   // there is an outcome: the agent's, or a retry of ours
    uncertain,  // likewise, but the agent has gone without a word: it may have delivered
    lost,       // the message is in quarantine/ now, or gone; reported
    drained,    // not begun, and not to be begun by this process
};

struct JobResult {
    JobEnd end = JobEnd::reported;
    Outcome outcome;
};

struct Job {
    std::string user;
    std::size_t weight = 1;  // recipients of its message, which stays in memory meanwhile
    links::Deliver deliver;  // `job` and `length` are set by the agent
    queue::BodyPlace place;
    std::shared_ptr<const queue::Slice> body;  // where it is in memory, else its file is opened
    std::function<void(JobResult)> done;       // once
};

// "Try again later", of ours.
inline Outcome retry_with(std::string text) {
    return {Verdict::retry, "4.3.0", std::move(text), {}};
}

}  // namespace holdfast::qmgr
