#include "smtpd/parent/roster.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "smtpd/parent/instance.h"

namespace holdfast {

Result<UniqueFd> enter_roster(const std::string& path) {
    return open_lock(path, LOCK_SH);
}

void Roster::close() {
    if (closed_) return;
    closed_.reset(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    unlink(path_.c_str());
}

bool Roster::anybody() const {
    return closed_ && flock(closed_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace holdfast
