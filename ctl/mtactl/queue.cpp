// mtactl queue.
#include <algorithm>
#include <span>

#include <sysexits.h>
#include <unistd.h>

#include "ctl/mtactl/commands.h"
#include "ctl/mtactl/daemon.h"
#include "ctl/mtactl/display.h"
#include "ctl/mtactl/json.h"
#include "ctl/mtactl/queue_view.h"
#include "ctl/mtactl/report.h"

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
            printed = print(text);
        });
    if (!listed) return conclude_failure(form, listed.error());
    return printed && print(view.end()) ? EX_OK : EX_IOERR;
}

Attempt<void> ask_about(Daemon& daemon, const std::vector<MessageId>& ids,
                        links::ClientToControl (*request)(std::vector<MessageId>)) {
    std::span<const MessageId> rest(ids);
    do {
        const auto some = rest.first(std::min(rest.size(), batch));
        const auto asked = daemon.ask(request({some.begin(), some.end()}), patience);
        if (!asked) return asked;
        rest = rest.subspan(some.size());
    } while (!rest.empty());
    return {};
}

Attempt<std::string> remove(const Site& site, const RemoveCommand& command) {
    auto daemon = Daemon::connect(site.control_socket);
    if (!daemon) return std::unexpected(daemon.error());
    const auto removed =
        ask_about(*daemon, command.ids, [](std::vector<MessageId> ids) -> links::ClientToControl {
            return links::RemoveRequest{std::move(ids)};
        });
    if (!removed) return std::unexpected(removed.error());
    return "removed " + count_text(command.ids.size(), "message");
}

Attempt<std::string> flush(const Site& site, const FlushCommand& command) {
    auto daemon = Daemon::connect(site.control_socket);
    if (!daemon) return std::unexpected(daemon.error());
    const auto flushed =
        ask_about(*daemon, command.ids, [](std::vector<MessageId> ids) -> links::ClientToControl {
            return links::FlushRequest{std::move(ids)};
        });
    if (!flushed) return std::unexpected(flushed.error());
    if (command.ids.empty()) return "every message that waits is tried now";
    return count_text(command.ids.size(), "message") + " tried now";
}

// A terminal obeys what it is shown; a pipe or a file gets the bytes as they are.
std::string for_reader(std::string_view text) {
    return isatty(STDOUT_FILENO) == 1 ? safe_text(text) : std::string(text);
}

int show_text(Daemon& daemon, const ShowCommand& command) {
    bool printed = true;
    const auto shown = daemon.ask(links::ShowRequest{command.id}, patience,
                                  [&](const links::ControlToClient& message) {
                                      const auto* text = std::get_if<links::Text>(&message);
                                      if (text != nullptr && printed)
                                          printed = print(for_reader(text->bytes));
                                  });
    if (!shown) return conclude_failure(Form::text, shown.error());
    return printed ? EX_OK : EX_IOERR;
}

int show_json(Daemon& daemon, const ShowCommand& command) {
    std::string whole;
    const auto shown = daemon.ask(links::ShowRequest{command.id}, patience,
                                  [&](const links::ControlToClient& message) {
                                      const auto* text = std::get_if<links::Text>(&message);
                                      if (text != nullptr) whole += text->bytes;
                                  });
    if (!shown) return conclude_failure(Form::json, shown.error());
    JsonObject object;
    object.text("id", command.id.text()).text("text", whole);
    return print(object.json() + "\n") ? EX_OK : EX_IOERR;
}

}  // namespace

int run_list(const Site& site, Form form) {
    auto daemon = Daemon::connect(site.control_socket);
    if (!daemon) return conclude_failure(form, daemon.error());
    if (form == Form::json) return print_list(*daemon, form, QueueJson());
    return print_list(*daemon, form, QueueText(real_clock().wall()));
}

int run_show(const Site& site, Form form, const ShowCommand& command) {
    auto daemon = Daemon::connect(site.control_socket);
    if (!daemon) return conclude_failure(form, daemon.error());
    return form == Form::json ? show_json(*daemon, command) : show_text(*daemon, command);
}

int run_remove(const Site& site, Form form, const RemoveCommand& command) {
    return conclude(form, remove(site, command));
}

int run_flush(const Site& site, Form form, const FlushCommand& command) {
    return conclude(form, flush(site, command));
}

}  // namespace holdfast::mtactl
