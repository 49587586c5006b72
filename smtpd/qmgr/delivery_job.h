// One delivery on its way: to a mailbox through an agent, or to other machines through relay.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "queue/slice.h"
#include "queue/store.h"
#include "smtpd/links/qmgr_mda.h"
#include "smtpd/links/qmgr_relay.h"

namespace holdfast::qmgr {

enum class JobEnd : std::uint8_t {
    reported,   // there is an outcome: of whoever delivers, or a retry of ours
    uncertain,  // likewise, but it may have been delivered without our knowing
    lost,       // the message is in quarantine/ now, or gone; reported
    drained,    // not begun, and not to be begun by this process
    held,       // its way is closed by a failure of ours; to be parked until that is mended
};

struct JobResult {
    JobEnd end = JobEnd::reported;
    std::vector<Outcome> outcomes;  // one for all, or one for each place of the stop
    // Servers promised to send the notices that these recipients of links::Send want.
    std::vector<std::uint32_t> dsn_passed = {};
};

// What deliveries of either kind have in common.
struct Job {
    std::size_t weight = 1;  // recipients of its message, which stays in memory meanwhile
    queue::BodyPlace place;
    std::shared_ptr<const queue::Slice> body;  // where it is in memory, else its file is opened
    std::function<void(JobResult)> done;       // once
};

struct MailboxJob : Job {
    std::string user;
    links::Deliver deliver;  // `job` and `length` are set by the agent
};

struct RelayJob : Job {
    std::size_t route = 0;     // of the table
    links::Send send;          // `job`, `relays` and `length` are set on the way
    unsigned cuts = 0;         // relay has died so often while it had it
    unsigned turned_away = 0;  // by a server that took others meanwhile
};

// "Try again later", of ours.
inline Outcome retry_with(std::string text) {
    return {Verdict::retry, "4.3.0", std::move(text), {}};
}

}  // namespace holdfast::qmgr
