// mtactl check: becomes the probe, the same program that the daemon asks at each start. What it
// prints and its exit status are the answer.
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include <sysexits.h>
#include <unistd.h>

#include "ctl/mtactl/command.h"
#include "ctl/mtactl/report.h"

namespace holdfast::mtactl {

int CheckCommand::run(const Site& site, Form form) const {
    std::vector<std::string> words{"probe"};
    if (!file.empty()) words.insert(words.end(), {"-f", file});
    if (form == Form::json) words.emplace_back("--json");
    words.emplace_back("check");
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    // Nothing of the caller's environment: the probe may run as root.
    std::array<char*, 1> environment{nullptr};
    execve(site.probe.c_str(), argv.data(), environment.data());
    return conclude_failure(form,
                            {EX_OSFILE, "can't run " + site.probe + ": " + strerrordesc_np(errno)});
}

}  // namespace holdfast::mtactl
