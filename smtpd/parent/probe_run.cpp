#include "smtpd/parent/probe_run.h"

#include <csignal>

#include <sys/mman.h>
#include <sysexits.h>

#include "smtpd/links/snapshot_file.h"
#include "smtpd/loop/loop.h"

namespace holdfast {

namespace {

std::vector<std::string> arguments(const ProbeRequest& request) {
    std::vector<std::string> argv{"probe"};
    if (!request.config.empty()) argv.insert(argv.end(), {"-f", request.config});
    return argv;
}

}  // namespace

ProbeRun::ProbeRun(Loop& loop, const ProbeRequest& request,
                   std::function<void(Result<links::Plan>)> on_result)
    : on_result_(std::move(on_result)),
      plan_(memfd_create("plan", MFD_CLOEXEC)),
      deadline_(loop, [this] {
          late_ = true;
          process_->kill(SIGKILL);
      }) {
    auto process = Process::start(loop, {request.executable, arguments(request), plan_.get()},
                                  [this](const Ending& ending) { ended(ending); });
    if (!process) {
        // The caller must not be called back before it holds this object.
        loop.post([call = on_result_, error = process.error()] { call(error.pass()); });
        return;
    }
    process_ = std::move(*process);
    deadline_.set(request.deadline);
}

ProbeRun::~ProbeRun() {
    if (process_) process_->kill(SIGKILL);
}

void ProbeRun::ended(const Ending& ending) {
    const auto call = on_result_;
    call(result(ending));
}

Result<links::Plan> ProbeRun::result(const Ending& ending) const {
    if (late_) return plain_error("the probe took too long to read the configuration");
    if (ending.status == EX_CONFIG) return plain_error("");
    if (!ending.clean()) return plain_error("the probe failed: " + ending.text());
    return links::read_struct<links::Plan>(plan_.get());
}

}  // namespace holdfast
