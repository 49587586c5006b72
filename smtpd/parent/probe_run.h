// Runs the probe: the one process that reads smtpd.conf. What it hands over is a Plan; what it
// has to complain about it prints itself, on our standard error or for whoever asked.
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
    Executable executable;
    std::string config;  // empty: the default path, which may be missing
    enum class Complaints : std::uint8_t { printed, kept };
    Complaints complaints = Complaints::printed;
    Duration deadline = std::chrono::seconds(10);
};

struct ProbeAnswer {
    // An Error with code 0 and an empty text says that the configuration is wrong and has been
    // complained about (EX_CONFIG).
    Result<links::Plan> plan;
    std::string complaints;  // kept ones: whole lines, at most ProbeRun::max_complaints bytes
};

// A run in progress; destroying it abandons the run and kills the probe.
class ProbeRun {
  public:
    static constexpr std::size_t max_complaints = 6000;

    // Calls `on_answer` once; it may destroy this.
    ProbeRun(Loop& loop, const ProbeRequest& request, std::function<void(ProbeAnswer)> on_answer);
    ~ProbeRun();

  private:
    void ended(const Ending& ending);
    Result<links::Plan> result(const Ending& ending) const;

    std::string complaints() const;

    std::function<void(ProbeAnswer)> on_answer_;
    UniqueFd plan_;        // the probe writes it, we read it when the probe has ended
    UniqueFd complaints_;  // likewise, where they are kept
    std::unique_ptr<Process> process_;
    Timer deadline_;
    bool late_ = false;
};

}  // namespace holdfast
