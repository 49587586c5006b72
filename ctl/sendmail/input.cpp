#include "ctl/sendmail/input.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <unistd.h>

#include "ctl/client/control_connection.h"
#include "smtpd/base/error.h"
#include "smtpd/mail/completion.h"

namespace holdfast::sendmail {

namespace {

using Buffer = std::array<char, 65536>;

constexpr int forever = -1;

bool wait_for_input(int milliseconds) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    return poll(&input, 1, milliseconds) != 0;  // an error shows again when it is read
}

// At most a buffer of bytes; an empty piece is the end. A caller may leave a socket non-blocking.
Result<std::string_view> read_piece(Buffer& buffer) {
    while (true) {
        const ssize_t count = read(STDIN_FILENO, buffer.data(), buffer.size());
        if (count >= 0) return std::string_view(buffer.data(), static_cast<std::size_t>(count));
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return errno_error("read standard input");
        wait_for_input(forever);
    }
}

std::unexpected<Failure> too_large(const Site& site, std::string_view text) {
    const std::string limit = std::to_string(site.max_message) + " bytes";
    if (header_length(text)) return fails(EX_UNAVAILABLE, "message too large: over " + limit);
    return fails(EX_DATAERR, "header too large: over " + limit);
}

}  // namespace

Attempt<std::string> StandardInput::read_message(const Site& site, LoneDot lone_dot) {
    if (missing_) return fails(EX_NOINPUT, "standard input is closed");
    Buffer buffer;
    MessageText form(lone_dot);
    std::string text;
    bool first = true;
    while (!form.ended()) {
        const auto piece = read_piece(buffer);
        if (!piece) return fails(first ? EX_NOINPUT : EX_IOERR, piece.error().text());
        if (piece->empty()) break;
        text += form.feed(*piece);
        first = false;
        if (text.size() > site.max_message) return too_large(site, text);
    }
    ended_ = true;
    return text += form.finish();
}

void StandardInput::drain(const Site& site) {
    if (missing_ || ended_ || isatty(STDIN_FILENO) == 1) return;
    const client::Deadline deadline(site.drain);
    Buffer buffer;
    std::size_t drained = 0;
    while (drained < site.max_drain) {
        const int milliseconds = deadline.milliseconds_left();
        if (milliseconds == 0 || !wait_for_input(milliseconds)) return;
        const ssize_t count = read(STDIN_FILENO, buffer.data(), buffer.size());
        if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN)) return;
        if (count > 0) drained += static_cast<std::size_t>(count);
    }
}

}  // namespace holdfast::sendmail
