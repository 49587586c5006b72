// The alias files, read again without a new generation.
#include "smtpd/base/log.h"
#include "smtpd/parent/house.h"

namespace holdfast {

void House::read_aliases() {
    const ProbeRequest request{serving().outfit().image->find("probe"), facts_.config,
                               ProbeRequest::Complaints::kept};
    aliases_probe_ = std::make_unique<ProbeRun>(
        loop_, request, [this](ProbeAnswer answer) { aliases_read(std::move(answer)); });
}

void House::aliases_read(ProbeAnswer answer) {
    Report report{EX_OK, {}, std::move(answer.complaints)};
    Status used = answer.plan ? serving().use_aliases(answer.plan->aliases)
                              : Status(answer.plan.error().pass());
    if (!used) {
        const std::string& reason = used.error().text();
        report.status = EX_CONFIG;
        report.reason =
            (reason.empty() ? "" : reason + "; ") + "the aliases read before stay in force";
        const std::string what = reason.empty() ? report.complaints : reason;
        log::error("aliases-failed", {{"reason", what.substr(0, what.find('\n'))}});
    }
    finish_work(std::move(report));
}

}  // namespace holdfast
