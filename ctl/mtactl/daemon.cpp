#include "ctl/mtactl/daemon.h"

#include <cerrno>
#include <cstring>

#include <sysexits.h>

namespace holdfast::mtactl {

namespace {

constexpr Duration connect_patience = std::chrono::seconds(10);
constexpr Duration send_patience = std::chrono::seconds(10);

std::unexpected<Failure> cannot_connect(const Error& error, const std::string& socket) {
    if (error.code() == ENOENT || error.code() == ECONNREFUSED || error.code() == ENOTDIR) {
        return fails(EX_UNAVAILABLE, "smtpd is not running (" + socket + ": " +
                                         strerrordesc_np(error.code()) + ")");
    }
    if (error.code() == ETIMEDOUT) {
        return fails(EX_TEMPFAIL, "smtpd takes no connections on " + socket + ": try again");
    }
    return fails(error.code() == EACCES ? EX_NOPERM : EX_OSERR, error.text());
}

std::unexpected<Failure> interrupted(const Error& error) {
    if (error.code() == ETIMEDOUT) return fails(EX_TEMPFAIL, "smtpd does not answer: try again");
    return fails(EX_TEMPFAIL, "no answer from smtpd: " + error.text());
}

}  // namespace

Attempt<Daemon> Daemon::connect(const std::string& socket) {
    auto connection =
        links::ControlConnection::connect(socket, real_clock().mono() + connect_patience);
    if (!connection) return cannot_connect(connection.error(), socket);
    return Daemon(std::move(*connection));
}

Attempt<void> Daemon::ask(const links::ClientToControl& request, Duration patience,
                          const OnMessage& on_message) {
    const auto end = exchange(request, patience, on_message);
    if (!end) return std::unexpected(end.error());
    if (*end == End::closed) {
        return fails(EX_TEMPFAIL, "smtpd closed the connection without an answer: try again");
    }
    return {};
}

Attempt<void> Daemon::ask_to_end(const links::ClientToControl& request, Duration patience) {
    const auto end = exchange(request, patience, [](const links::ControlToClient&) {});
    if (!end) return std::unexpected(end.error());
    return {};
}

Attempt<Daemon::End> Daemon::exchange(const links::ClientToControl& request, Duration patience,
                                      const OnMessage& on_message) {
    const MonoTime send_deadline = real_clock().mono() + send_patience;
    auto sent = connection_.send(request, send_deadline);
    if (sent) sent = connection_.flush(send_deadline);
    // EPIPE: it does not want to hear more, and may have said why.
    if (!sent && sent.error().code() != EPIPE) return interrupted(sent.error());
    for (;;) {
        auto message = connection_.receive(real_clock().mono() + patience);
        if (!message) return interrupted(message.error());
        if (!*message) return End::closed;
        const auto* answer = std::get_if<links::Answer>(&**message);
        if (answer == nullptr) {
            on_message(**message);
        } else if (answer->status == 0) {
            return End::answered;
        } else {
            return fails(answer->status, answer->text);
        }
    }
}

}  // namespace holdfast::mtactl
