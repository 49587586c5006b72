// The next generation, until it could serve: configuration read, sockets bound, rooms confined and
// configured. Whoever is served now notices nothing of it, and nothing is left of it when it is
// dropped.
#pragma once

#include <functional>
#include <memory>

#include "smtpd/parent/generation.h"
#include "smtpd/parent/probe_run.h"
#include "smtpd/parent/report.h"
#include "smtpd/parent/trial.h"

namespace holdfast {

class Candidate {
  public:
    struct Ground {
        Outfit outfit;                       // with its image and its number
        std::string config;                  // smtpd -f; empty: the default
        std::vector<BoundListener> current;  // all that are open
        ProbeRequest::Complaints complaints = ProbeRequest::Complaints::kept;
    };
    using Done = std::function<void(const Report& report)>;

    // Calls `done` once, later; it may destroy this.
    Candidate(Loop& loop, Ground ground, Done done);

    // When it has succeeded: what to serve with.
    const links::Plan& plan() const { return plan_; }
    ListenerChange& listeners() { return listeners_; }
    std::unique_ptr<Generation> take_generation() { return std::move(generation_); }

  private:
    void probed(ProbeAnswer answer);
    Report begin();
    void agent_tried(const Status& works);
    void finish_if_ready();
    void finish(Report report);

    Loop& loop_;
    Ground ground_;
    Done done_;
    std::unique_ptr<ProbeRun> probe_;
    std::string complaints_;
    links::Plan plan_;
    ListenerChange listeners_;
    std::unique_ptr<Generation> generation_;
    // Of the mda, which nobody starts before there is mail.
    std::unique_ptr<Trial> trial_;
    bool agent_works_ = false;
};

}  // namespace holdfast
