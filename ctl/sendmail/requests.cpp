#include "ctl/sendmail/requests.h"

#include <unistd.h>

#include "ctl/client/control_connection.h"
#include "ctl/sendmail/handover.h"
#include "ctl/sendmail/output.h"
#include "ctl/sendmail/queue_list.h"
#include "smtpd/base/quote.h"

namespace holdfast::sendmail {

namespace {

// The Answer that ends a request; what comes before it goes to `on_message`.
client::Exchange<links::Answer> ask(const Site& site, const links::ClientToControl& request,
                                    const client::OnMessage& on_message = client::ignore_message) {
    const client::Deadline silence(site.silence);
    auto connection = client::ControlConnection::open(site.control_socket, silence);
    if (!connection) return std::unexpected(connection.error());
    return connection->ask(request, silence, on_message);
}

std::unexpected<Failure> no_answer(const client::Setback& setback) {
    if (setback.trouble == client::Trouble::absent) {
        return fails(Exit::unavailable, "smtpd is not running: " + setback.error.text());
    }
    return fails(Exit::unavailable,
                 "no answer from smtpd: " + setback.error.text() + "; try again");
}

// The lines in front of the last one; returns the last one.
std::string print_complaints(std::string_view text) {
    for (std::size_t end = 0; (end = text.find('\n')) != std::string_view::npos;) {
        (void)print(STDERR_FILENO, harmless(text.substr(0, end)) + "\n");
        text.remove_prefix(end + 1);
    }
    return std::string(text);
}

}  // namespace

Attempt<void> print_queue(const Site& site) {
    QueueList list;
    bool printed = true;
    const auto answer = ask(site, links::ListRequest{}, [&](const links::ControlToClient& message) {
        const auto* some = std::get_if<links::ListItems>(&message);
        if (some == nullptr) return;
        for (const links::QueueItem& item : some->items) {
            printed = printed && print(STDOUT_FILENO, list.add(item));
        }
    });
    if (!answer) return no_answer(answer.error());
    if (auto listed = as_attempt(*answer); !listed) return listed;
    if (!printed || !print(STDOUT_FILENO, list.summary())) {
        return fails(Exit::input, "standard output can't be written");
    }
    return {};
}

Attempt<void> flush_queue(const Site& site, const Options& options) {
    const auto answer = ask(site, links::FlushRequest{options.flushed});
    if (!answer) return no_answer(answer.error());
    return as_attempt(*answer);
}

Attempt<void> reload_aliases(const Site& site, std::string_view name) {
    auto answer = ask(site, links::AliasesRequest{});
    if (!answer && answer.error().trouble == client::Trouble::absent) {
        complain(name, "smtpd is not running; it reads the aliases when it starts");
        return {};
    }
    if (!answer) return no_answer(answer.error());
    answer->text = print_complaints(answer->text);
    auto reloaded = as_attempt(*answer);
    // Anybody may call newaliases: that the daemon obeys the administrator alone is no error.
    const bool faulty = !reloaded && (reloaded.error().status == Exit::config ||
                                      reloaded.error().status == Exit::data);
    if (faulty) return reloaded;
    return {};
}

}  // namespace holdfast::sendmail
