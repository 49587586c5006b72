#include "smtpd/parent/outfit.h"

#include <filesystem>
#include <iterator>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "smtpd/base/descriptors.h"
#include "smtpd/base/paths.h"

namespace holdfast {

Outfit make_outfit(std::shared_ptr<const Image> image) {
    Outfit outfit;
    outfit.image = std::move(image);
    outfit.spool = paths::spool;
    outfit.empty = std::string(paths::run) + "/empty";
    outfit.roster = paths::roster;
    outfit.privileged = geteuid() == 0;
    return outfit;
}

links::Start Outfit::first_message(const UniqueFd& snapshot) const {
    links::Start start;
    start.generation = generation;
    start.privileged = privileged;
    start.log_form = log_form;
    start.log = duplicate(log);
    start.snapshot = duplicate(snapshot.get());
    return start;
}

// Every descriptor may be in a state twice: the one that was rehearsed with, and the one that is
// handed over.
Status enough_descriptors() {
    constexpr rlim_t of_a_generation = 64;
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return errno_error("read the limit of open files");
    const std::filesystem::directory_iterator open("/proc/self/fd");
    const auto count = static_cast<rlim_t>(std::distance(begin(open), end(open)));
    const rlim_t needed = 3 * count + of_a_generation;
    if (needed <= limit.rlim_cur) return {};
    return plain_error("the limit of open files is too low: it is " +
                       std::to_string(limit.rlim_cur) + ", and " + std::to_string(needed) +
                       " are needed (LimitNOFILE= of systemd, ulimit -n)");
}

UniqueFd duplicate(int fd) {
    return UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

Result<std::pair<UniqueFd, UniqueFd>> make_channel(DescriptorsPass pass) {
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return errno_error("make a channel");
    }
    if (pass == DescriptorsPass::no) {
        for (const int end : ends) refuse_descriptors(end);
    }
    return std::pair(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

std::uint64_t whole_seconds(Duration duration) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

}  // namespace holdfast
