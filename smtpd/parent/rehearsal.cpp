#include "smtpd/parent/rehearsal.h"

#include <csignal>
#include <cstdio>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "smtpd/base/paths.h"
#include "smtpd/loop/loop.h"
#include "smtpd/parent/candidate.h"
#include "smtpd/parent/succession.h"

namespace holdfast {

namespace {

// The child's own last word, without its name. What stands in front of it is the probe's, or its
// rooms'.
std::string take_reason(std::string& words) {
    constexpr std::string_view name = "smtpd: ";
    if (words.empty() || words.back() != '\n') return {};
    const std::size_t before = words.rfind('\n', words.size() - 2);
    const std::size_t begin = before == std::string::npos ? 0 : before + 1;
    if (!std::string_view(words).substr(begin).starts_with(name)) return {};
    std::string reason = words.substr(begin + name.size(), words.size() - begin - name.size() - 1);
    words.resize(begin);
    return reason;
}

}  // namespace

Rehearsal::Rehearsal(Loop& loop, const Executable& smtpd, links::ParentState state,
                     std::function<void(const Report&)> done)
    : loop_(loop),
      state_(std::move(state)),
      words_(memfd_create("words", MFD_CLOEXEC)),
      done_(std::move(done)),
      deadline_(loop, [this] {
          late_ = true;
          process_->kill(SIGKILL);
      }) {
    if (const auto started = start(smtpd); !started) {
        loop_.post([done = done_, report = failed(EX_OSERR, started.error())] { done(report); });
    }
}

Rehearsal::~Rehearsal() {
    if (process_) process_->kill(SIGKILL);
}

Status Rehearsal::start(const Executable& smtpd) {
    const auto sealed = seal_state(state_);
    if (!sealed) return sealed.error().pass();
    auto process = Process::start(loop_,
                                  {smtpd,
                                   {"smtpd", "--rehearse"},
                                   sealed->memfd.get(),
                                   words_.get(),
                                   sealed->descriptors,
                                   Pace::gives_way},
                                  [this](const Ending& ending) { ended(ending); });
    if (!process) return process.error().pass();
    process_ = std::move(*process);
    deadline_.set(limit);
    return {};
}

void Rehearsal::ended(const Ending& ending) {
    Report report;
    report.complaints.resize(max_words);
    const ssize_t length = pread(words_.get(), report.complaints.data(), max_words, 0);
    report.complaints.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    if (late_) {
        report.status = EX_TEMPFAIL;
        report.reason = "the new smtpd did not get ready in time";
    } else if (!ending.clean()) {
        // What it says itself, but for what stands for no execution at all.
        const bool said = ending.signal == 0 && !ending.not_executed();
        report.status = static_cast<std::uint8_t>(said ? ending.status : EX_OSFILE);
        report.reason = take_reason(report.complaints);
        if (ending.signal != 0 || (report.complaints.empty() && report.reason.empty())) {
            report.reason = "the new smtpd failed: " + ending.text();
        }
    }
    const auto done = done_;
    done(report);
}

int rehearse() {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    auto state = open_state(links::parent_fd);
    if (!state) {
        std::fprintf(stderr, "smtpd: %s\n", state.error().text().c_str());
        return EX_SOFTWARE;
    }
    Premises premises = take_premises(*state);
    Loop loop;
    Report result;
    const Candidate candidate(loop,
                              {premises.outfit, premises.config, std::move(premises.listeners)},
                              [&](const Report& report) {
                                  result = report;
                                  loop.stop();
                              });
    loop.run();
    std::fputs(result.complaints.c_str(), stderr);
    if (!result.reason.empty()) std::fprintf(stderr, "smtpd: %s\n", result.reason.c_str());
    return result.status;
}

}  // namespace holdfast
