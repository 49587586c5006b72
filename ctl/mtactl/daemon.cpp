#include "ctl/mtactl/daemon.h"

#include <cerrno>
#include <optional>

#include <sysexits.h>

namespace holdfast::mtactl {

namespace {

using client::Trouble;

constexpr Duration connect_patience = std::chrono::seconds(10);
constexpr Duration status_patience = std::chrono::seconds(10);

std::unexpected<Failure> not_reached(const Error& error) {
    const int code = error.code();
    if (code == ENOENT || code == ECONNREFUSED || code == ENOTDIR) {
        return fails(EX_UNAVAILABLE, "smtpd is not running: " + error.text());
    }
    return fails(code == EACCES ? EX_NOPERM : EX_OSERR, error.text());
}

std::unexpected<Failure> no_answer(const client::Setback& setback) {
    if (setback.trouble == Trouble::absent) return not_reached(setback.error);
    return fails(EX_TEMPFAIL, "no answer from smtpd: " + setback.error.text() + "; try again");
}

Attempt<std::string> as_attempt(client::Exchange<links::Answer> answer) {
    if (!answer) return no_answer(answer.error());
    if (answer->status != EX_OK) return fails(answer->status, std::move(answer->text));
    return std::move(answer->text);
}

}  // namespace

Attempt<Daemon> Daemon::connect(const std::string& socket) {
    auto connection = client::ControlConnection::open(socket, client::Deadline(connect_patience));
    if (!connection) return no_answer(connection.error());
    return Daemon(std::move(*connection));
}

Attempt<std::string> Daemon::ask(const links::ClientToControl& request, Duration patience,
                                 const client::OnMessage& on_message) {
    return as_attempt(connection_.ask(request, client::Deadline(patience), on_message));
}

Attempt<links::Overview> Daemon::status() {
    std::optional<links::Overview> overview;
    const auto asked = ask(links::StatusRequest{}, status_patience, [&](const auto& message) {
        if (const auto* reply = std::get_if<links::Overview>(&message)) overview = *reply;
    });
    if (!asked) return std::unexpected(asked.error());
    if (!overview) return fails(EX_PROTOCOL, "smtpd answered without its status");
    return std::move(*overview);
}

Attempt<std::string> Daemon::ask_to_end(const links::ClientToControl& request, Duration patience) {
    auto answer = connection_.ask(request, client::Deadline(patience), client::ignore_message);
    if (!answer && answer.error().trouble == Trouble::lost) return {};
    return as_attempt(std::move(answer));
}

}  // namespace holdfast::mtactl
