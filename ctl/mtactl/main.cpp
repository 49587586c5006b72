// mtactl: what an administrator asks the running daemon, or tells it. Decides nothing: who may do
// what is checked by whoever does it.
#include <csignal>
#include <span>

#include <unistd.h>

#include "ctl/client/output.h"
#include "ctl/mtactl/options.h"
#include "smtpd/base/paths.h"

int main(int argc, char** argv) {
    using namespace holdfast;
    // A reader that has gone (| head) is an error of print().
    std::signal(SIGPIPE, SIG_IGN);
    const std::span<const char* const> words(argv, static_cast<std::size_t>(argc));
    const auto invocation = mtactl::parse_options(words.subspan(words.empty() ? 0 : 1));
    if (!invocation) {
        const auto& notice = invocation.error();
        print(notice.status == 0 ? STDOUT_FILENO : STDERR_FILENO, notice.text);
        return notice.status;
    }
    const mtactl::Site site{paths::control_socket, std::string(paths::libexec) + "/probe"};
    return invocation->run(site);
}
