// mtactl check: becomes the probe, the same program that the daemon asks at each start. What it
// prints and its exit status are the answer.
#include <algorithm>
#include <array>
#include <cerrno>
#include <vector>

#include <sysexits.h>
#include <unistd.h>

#include "ctl/mtactl/command.h"
#include "ctl/mtactl/report.h"
#include "smtpd/base/error.h"

namespace holdfast::mtactl {

int CheckCommand::run(const Site& site, Form form) const {
    std::vector<std::string> words{"probe"};
    if (!file.empty()) words.insert(words.end(), {"-f", file});
    if (form == Form::json) words.emplace_back("--json");
    words.emplace_back("check");
    std::vector<char*> argv(words.size() + 1, nullptr);
    std::ranges::transform(words, argv.begin(), [](std::string& word) { return word.data(); });
    // Nothing of the caller's environment: the probe may run as root.
    std::array<char*, 1> environment{nullptr};
    execve(site.probe.c_str(), argv.data(), environment.data());
    return conclude_failure(form,
                            {EX_OSFILE, "can't run " + site.probe + ": " + errno_text(errno)});
}

}  // namespace holdfast::mtactl
