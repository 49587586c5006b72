#include "ctl/sendmail/requests.h"

#include <unistd.h>

#include "ctl/client/control_connection.h"
#include "ctl/sendmail/handover.h"
#include "ctl/sendmail/output.h"
#include "ctl/sendmail/queue_list.h"

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

std::unexpected<Failure> not_running(const client::Setback& setback) {
    return fails(Exit::unavailable,
                 "the daemon does not answer: " + setback.error.text() + "; is smtpd running?");
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
    if (!answer) return not_running(answer.error());
    if (auto listed = as_attempt(*answer); !listed) return listed;
    if (!printed || !print(STDOUT_FILENO, list.summary())) {
        return fails(Exit::input, "standard output can't be written");
    }
    return {};
}

Attempt<void> flush_queue(const Site& site, const Options& options) {
    const auto answer = ask(site, links::FlushRequest{options.flushed});
    if (!answer) return not_running(answer.error());
    return as_attempt(*answer);
}

Attempt<void> reload_aliases(const Site& site) {
    const auto answer = ask(site, links::AliasesRequest{});
    if (!answer) return {};
    auto reloaded = as_attempt(*answer);
    // Anybody may call newaliases: that the daemon obeys the administrator alone is no error.
    const bool faulty = !reloaded && (reloaded.error().status == Exit::config ||
                                      reloaded.error().status == Exit::data);
    if (faulty) return reloaded;
    return {};
}

}  // namespace holdfast::sendmail
