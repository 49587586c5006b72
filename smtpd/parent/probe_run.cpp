#include "smtpd/parent/probe_run.h"

#include <csignal>

#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

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
                   std::function<void(ProbeAnswer)> on_answer)
    : on_answer_(std::move(on_answer)),
      plan_(memfd_create("plan", MFD_CLOEXEC)),
      deadline_(loop, [this] {
          late_ = true;
          process_->kill(SIGKILL);
      }) {
    if (request.complaints == ProbeRequest::Complaints::kept) {
        complaints_.reset(memfd_create("complaints", MFD_CLOEXEC));
    }
    auto process = Process::start(loop,
                                  {request.executable,
                                   arguments(request),
                                   plan_.get(),
                                   complaints_ ? complaints_.get() : Program::our_errors,
                                   {},
                                   Pace::gives_way},
                                  [this](const Ending& ending) { ended(ending); });
    if (!process) {
        // The caller must not be called back before it holds this object.
        loop.post([call = on_answer_, error = process.error()] { call({error.pass(), {}}); });
        return;
    }
    process_ = std::move(*process);
    deadline_.set(request.deadline);
}

ProbeRun::~ProbeRun() {
    if (process_) process_->kill(SIGKILL);
}

void ProbeRun::ended(const Ending& ending) {
    const auto call = on_answer_;
    call({result(ending), complaints()});
}

// The first ones, as far as whoever asked can be told.
std::string ProbeRun::complaints() const {
    std::string text(max_complaints + 1, '\0');
    const ssize_t length = complaints_ ? pread(complaints_.get(), text.data(), text.size(), 0) : 0;
    text.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    if (text.size() <= max_complaints) return text;
    text.resize(text.rfind('\n', max_complaints) + 1);
    return text + "and more: see mtactl check\n";
}

Result<links::Plan> ProbeRun::result(const Ending& ending) const {
    if (late_) return plain_error("the probe took too long to read the configuration");
    if (ending.status == EX_CONFIG) return plain_error("");
    if (!ending.clean()) return plain_error("the probe failed: " + ending.text());
    return links::read_struct<links::Plan>(plan_.get());
}

}  // namespace holdfast
