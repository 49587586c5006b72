// mtactl queue.
#include <algorithm>
#include <span>

#include <sysexits.h>
#include <unistd.h>

#include "ctl/client/output.h"
#include "ctl/mtactl/command.h"
#include "ctl/mtactl/daemon.h"
#include "ctl/mtactl/display.h"
#include "ctl/mtactl/queue_view.h"
#include "ctl/mtactl/report.h"
#include "smtpd/base/json.h"
#include "smtpd/base/quote.h"

namespace holdfast::mtactl {

namespace {

constexpr Duration patience = std::chrono::seconds(60);

// Ids in one request; the daemon takes no more.
constexpr std::size_t batch = 3000;

template <class View>
int print_list(Daemon& daemon, Form form, View view) {
    bool printed = true;
    const auto listed =
        daemon.ask(links::ListRequest{}, patience, [&](const links::ControlToClient& message) {
            const auto* page = std::get_if<links::ListItems>(&message);
            if (page == nullptr || !printed) return;
            std::string text;
            for (const links::QueueItem& item : page->items) text += view.add(item);
            printed = print(STDOUT_FILENO, text);
        });
    if (!listed) return conclude_failure(form, listed.error());
    return printed && print(STDOUT_FILENO, view.end()) ? EX_OK : EX_IOERR;
}

// Sends `Request`s for all of `ids`; one without any where there are none.
template <class Request>
Attempt<std::string> ask_about(const Site& site, std::span<const MessageId> ids, std::string done) {
    auto daemon = Daemon::connect(site.control_socket);
    if (!daemon) return std::unexpected(daemon.error());
    do {
        const auto some = ids.first(std::min(ids.size(), batch));
        const auto asked = daemon->ask(Request{{some.begin(), some.end()}}, patience);
        if (!asked) return std::unexpected(asked.error());
        ids = ids.subspan(some.size());
    } while (!ids.empty());
    return done;
}

// A terminal obeys what it is shown; a pipe or a file gets the bytes as they are.
std::string for_reader(std::string_view text) {
    return isatty(STDOUT_FILENO) == 1 ? harmless_lines(text) : std::string(text);
}

// Asks for the message; its pieces go to `on_text`.
template <class OnText>
Attempt<std::string> ask_for(Daemon& daemon, const MessageId& id, OnText on_text) {
    return daemon.ask(links::ShowRequest{id}, patience, [&](const links::ControlToClient& message) {
        if (const auto* text = std::get_if<links::Text>(&message)) on_text(text->bytes);
    });
}

int show_text(Daemon& daemon, const MessageId& id) {
    bool printed = true;
    const auto shown = ask_for(daemon, id, [&](std::string_view bytes) {
        printed = printed && print(STDOUT_FILENO, for_reader(bytes));
    });
    if (!shown) return conclude_failure(Form::text, shown.error());
    return printed ? EX_OK : EX_IOERR;
}

int show_json(Daemon& daemon, const MessageId& id) {
    std::string whole;
    const auto shown = ask_for(daemon, id, [&](std::string_view bytes) { whole += bytes; });
    if (!shown) return conclude_failure(Form::json, shown.error());
    JsonObject object;
    object.text("id", id.text()).text("text", whole);
    return print(STDOUT_FILENO, object.json() + "\n") ? EX_OK : EX_IOERR;
}

}  // namespace

int ListCommand::run(const Site& site, Form form) const {
    auto daemon = Daemon::connect(site.control_socket);
    if (!daemon) return conclude_failure(form, daemon.error());
    if (form == Form::json) return print_list(*daemon, form, QueueJson());
    return print_list(*daemon, form, QueueText(real_clock().wall()));
}

int ShowCommand::run(const Site& site, Form form) const {
    auto daemon = Daemon::connect(site.control_socket);
    if (!daemon) return conclude_failure(form, daemon.error());
    return form == Form::json ? show_json(*daemon, id) : show_text(*daemon, id);
}

int RemoveCommand::run(const Site& site, Form form) const {
    return conclude(form, ask_about<links::RemoveRequest>(
                              site, ids, "removed " + count_text(ids.size(), "message")));
}

int FlushCommand::run(const Site& site, Form form) const {
    return conclude(form, ask_about<links::FlushRequest>(
                              site, ids,
                              ids.empty() ? "every message that waits is tried now"
                                          : count_text(ids.size(), "message") + " tried now"));
}

}  // namespace holdfast::mtactl
