#include "ctl/sendmail/requests.h"

#include <unistd.h>

#include "ctl/client/control_connection.h"
#include "ctl/client/output.h"
#include "ctl/sendmail/handover.h"
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

std::unexpected<Failure> no_answer(const client::Setback& setback) {
    if (setback.trouble == client::Trouble::absent) {
        return fails(EX_UNAVAILABLE, "smtpd is not running: " + setback.error.text());
    }
    return fails(EX_UNAVAILABLE, "no answer from smtpd: " + setback.error.text() + "; try again");
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
        return fails(EX_IOERR, "standard output can't be written");
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
    return as_attempt(*answer);
}

}  // namespace holdfast::sendmail
