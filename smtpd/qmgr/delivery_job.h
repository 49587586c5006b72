// One delivery on its way through an agent.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "queue/record.h"
#include "queue/verdict.h"
#include "smtpd/links/qmgr_mda.h"

namespace holdfast::qmgr {

// The bytes of a message: in memory right after it was accepted, else in its file.
struct Body {
    MessageId id;
    queue::BodyPlace place;
    std::shared_ptr<const std::string> bytes;  // may be missing
};

enum class JobEnd : std::uint8_t {
    reported,   // the agent has said what came of it
    uncertain,  // the agent has gone without a word: it may have delivered
    not_begun,  // no agent could be had
    drained,    // not begun, and not to be begun by this process
    damaged,    // the message is in quarantine/ now
    unread,     // the disk did not give the body
};

struct JobResult {
    JobEnd end = JobEnd::not_begun;
    Outcome outcome;  // to be recorded; of `reported` the agent's, else ours, a retry
};

struct Job {
    std::string user;
    links::Deliver deliver;  // `job` is set by the agent
    Body body;
    std::function<void(JobResult)> done;  // once
};

}  // namespace holdfast::qmgr
