#include "ctl/client/output.h"

#include <cerrno>
#include <string>

#include <poll.h>
#include <unistd.h>

#include "smtpd/base/quote.h"

namespace holdfast {

namespace {

constexpr int patience = 1000;  // milliseconds, for a pipe that is non-blocking and full

bool may_write_again(int fd) {
    if (errno == EINTR) return true;
    pollfd output{fd, POLLOUT, 0};
    return errno == EAGAIN && poll(&output, 1, patience) > 0;
}

}  // namespace

bool print(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = write(fd, text.data(), text.size());
        if (written > 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
        } else if (written == 0 || !may_write_again(fd)) {
            return false;
        }
    }
    return true;
}

std::string print_complaints(std::string_view text) {
    const std::size_t last = text.rfind('\n') + 1;
    (void)print(STDERR_FILENO, harmless_lines(text.substr(0, last)));
    return std::string(text.substr(last));
}

void complain(std::string_view program, std::string_view text) {
    (void)print(STDERR_FILENO, std::string(program).append(": ").append(text).append("\n"));
}

}  // namespace holdfast
