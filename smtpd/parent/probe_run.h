// Runs the probe: the one process that reads smtpd.conf. What it hands over is a Plan; what it
// has to complain about it prints itself, on our standard error.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "smtpd/base/clock.h"
#include "smtpd/base/error.h"
#include "smtpd/links/snapshots.h"
#include "smtpd/parent/process.h"

namespace holdfast {

class Loop;

struct ProbeRequest {
    std::string executable;
    std::string config;  // empty: the default path, which may be missing
    Duration deadline = std::chrono::seconds(10);
};

// A run in progress; destroying it abandons the run and kills the probe.
class ProbeRun {
  public:
    // Calls `on_result` once; it may destroy this. An Error with code 0 and an empty text says
    // that the configuration is wrong and has been complained about (EX_CONFIG).
    ProbeRun(Loop& loop, const ProbeRequest& request,
             std::function<void(Result<links::Plan>)> on_result);
    ~ProbeRun();

  private:
    void ended(const Ending& ending);
    Result<links::Plan> result(const Ending& ending) const;

    std::function<void(Result<links::Plan>)> on_result_;
    UniqueFd plan_;  // the probe writes it, we read it when the probe has ended
    std::unique_ptr<Process> process_;
    Timer deadline_;
    bool late_ = false;
};

}  // namespace holdfast
