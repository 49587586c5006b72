#include "smtpd/parent/candidate.h"

#include <algorithm>

#include <unistd.h>

#include "smtpd/base/paths.h"
#include "smtpd/parent/spool_check.h"

namespace holdfast {

namespace {

// Who qmgr will be: smtpd's own user where that is not root.
links::Identity queue_identity(const links::Plan& plan) {
    const links::Identity own{"qmgr", geteuid(), getegid()};
    const auto found = std::ranges::find(plan.identities, own.room, &links::Identity::room);
    return found == plan.identities.end() ? own : *found;
}

}  // namespace

Candidate::Candidate(Loop& loop, Ground ground, Done done)
    : loop_(loop), ground_(std::move(ground)), done_(std::move(done)) {
    const ProbeRequest request{ground_.outfit.image->find("probe"), ground_.config,
                               ground_.complaints};
    probe_ = std::make_unique<ProbeRun>(loop_, request,
                                        [this](ProbeAnswer answer) { probed(std::move(answer)); });
}

void Candidate::probed(ProbeAnswer answer) {
    complaints_ = std::move(answer.complaints);
    if (!answer.plan) {
        const Error& error = answer.plan.error();
        return finish(failed(error.text().empty() ? EX_CONFIG : EX_OSERR, error));
    }
    plan_ = std::move(*answer.plan);
    if (Report begun = begin(); !begun.good()) finish(std::move(begun));
}

Report Candidate::begin() {
    if (const auto enough = enough_descriptors(); !enough) {
        return failed(EX_OSERR, enough.error());
    }
    if (const auto usable = check_spool(paths::spool, queue_identity(plan_)); !usable) {
        return failed(EX_OSFILE, usable.error());
    }
    auto listeners = plan_listeners(ground_.current, plan_.listeners);
    if (!listeners) return failed(EX_UNAVAILABLE, listeners.error());
    listeners_ = std::move(*listeners);
    auto generation = Generation::make(loop_, ground_.outfit, plan_);
    if (!generation) return failed(EX_OSERR, generation.error());
    generation_ = std::move(*generation);
    generation_->listen_to({[this](Generation::Phase) { finish_if_ready(); },
                            [this](const Report& why) { finish(why); },
                            {},
                            {}});
    if (const auto started = generation_->start(); !started) {
        return failed(EX_OSERR, started.error());
    }
    trial_ = std::make_unique<Trial>(loop_, ground_.outfit.image->find("mda"),
                                     [this](const Status& works) { agent_tried(works); });
    return {};
}

void Candidate::agent_tried(const Status& works) {
    if (!works) return finish(failed(EX_OSFILE, works.error()));
    agent_works_ = true;
    finish_if_ready();
}

void Candidate::finish_if_ready() {
    if (agent_works_ && generation_->phase() == Generation::Phase::ready) finish({});
}

// The callbacks of its parts are on the stack: whoever drops this does it in the next turn.
void Candidate::finish(Report report) {
    if (generation_) generation_->listen_to({});
    report.complaints = std::move(complaints_);
    loop_.post([done = std::exchange(done_, {}), report = std::move(report)] {
        if (done) done(report);
    });
}

}  // namespace holdfast
