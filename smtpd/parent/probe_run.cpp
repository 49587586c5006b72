#include "smtpd/parent/probe_run.h"

#include <csignal>

#include <sys/mman.h>
#include <sysexits.h>

#include "smtpd/links/snapshot_file.h"
#include "smtpd/loop/loop.h"
#include "smtpd/parent/process.h"

namespace holdfast {

namespace {

std::vector<std::string> arguments(const ProbeRequest& request) {
    std::vector<std::string> argv{"probe"};
    if (!request.config.empty()) argv.insert(argv.end(), {"-f", request.config});
    return argv;
}

}  // namespace

struct ProbeRun::State {
    std::function<void(Result<links::Plan>)> on_result;
    UniqueFd plan;  // the probe writes it, we read it when the probe has ended
    std::unique_ptr<Process> process;
    std::unique_ptr<Timer> deadline;
    bool late = false;

    Result<links::Plan> result(const Ending& ending) const {
        if (late) return plain_error("the probe took too long to read the configuration");
        if (ending.status == EX_CONFIG) return plain_error("");
        if (!ending.clean()) return plain_error("the probe failed: " + ending.text());
        return links::read_struct<links::Plan>(plan.get());
    }
};

ProbeRun::ProbeRun(Loop& loop, const ProbeRequest& request,
                   std::function<void(Result<links::Plan>)> on_result)
    : state_(std::make_unique<State>()) {
    state_->on_result = std::move(on_result);
    state_->plan.reset(memfd_create("plan", MFD_CLOEXEC));
    state_->deadline = std::make_unique<Timer>(loop, [state = state_.get()] {
        state->late = true;
        state->process->kill(SIGKILL);
    });
    auto process =
        Process::start(loop, {request.executable, arguments(request), state_->plan.get()},
                       [state = state_.get()](Ending ending) {
                           const auto call = state->on_result;
                           call(state->result(ending));
                       });
    if (!process) {
        // The caller must not be called back before it holds this object.
        loop.post([call = state_->on_result, error = process.error()] { call(error.pass()); });
        return;
    }
    state_->process = std::move(*process);
    state_->deadline->set(request.deadline);
}

ProbeRun::~ProbeRun() {
    if (state_->process) state_->process->kill(SIGKILL);
}

}  // namespace holdfast
