#include "smtpd/confine/entry.h"

#include <csignal>
#include <variant>

#include <sys/prctl.h>
#include <sysexits.h>
#include <unistd.h>

#include "smtpd/base/packet.h"

namespace holdfast {

namespace {

using FirstMessage = std::variant<links::Start>;

// The parent decides when a room ends: a Ctrl-C in a terminal reaches the whole process group.
void ignore_signals() {
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) {
        std::signal(number, SIG_IGN);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
}

Result<links::Start> read_start(int parent) {
    auto packet = receive_packet(parent);
    if (!packet) return packet.error().in("wait for the parent");
    std::string_view rest = packet->bytes;
    const auto frame = take_frame(rest);
    if (!frame) return plain_error("this program is started by smtpd, not by hand");
    links::Decoder decoder(*frame, packet->fds, links::Tail::skip);
    auto message = decoder.take_frame<FirstMessage>();
    if (!message) return plain_error("the parent sent something else than Start");
    return std::get<links::Start>(std::move(*message));
}

}  // namespace

void exit_with(const Error& error) {
    log::error("room-failed", {{"reason", error}});
    std::exit(error.code() != 0 ? EX_OSERR : EX_SOFTWARE);
}

links::Start receive_start(links::Room room, int parent) {
    const std::string name(links::room_name(room));
    const std::string ident = "smtpd/" + name;  // one name for the log's readers to filter by
    log::open({}, log::Form::stream, ident);
    ignore_signals();
    auto start = read_start(parent);
    if (!start) exit_with(start.error());
    prctl(PR_SET_NAME, name.c_str(), 0, 0, 0);
    log::open(std::move(start->log), start->log_form, ident);
    // In the background nothing may hold the terminal open on which smtpd was started.
    if (start->log_form == log::Form::datagram) dup2(STDIN_FILENO, STDERR_FILENO);
    return std::move(*start);
}

void confine_or_exit(const links::Start& start, const Confinement& confinement) {
    if (const auto done = confine(start, confinement); !done) {
        exit_with(Error(done.error().code(), "confine", done.error().text()));
    }
}

}  // namespace holdfast
