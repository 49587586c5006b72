#include "ctl/sendmail/requests.h"

#include <functional>

#include <poll.h>
#include <unistd.h>

#include "ctl/sendmail/control_connection.h"
#include "ctl/sendmail/handover.h"
#include "ctl/sendmail/output.h"
#include "ctl/sendmail/queue_list.h"
#include "smtpd/base/packet.h"

namespace holdfast::sendmail {

namespace {

using Deadline = ControlConnection::Deadline;
using OnItems = std::function<void(const links::ListItems&)>;

constexpr int busy_pause = 50;  // milliseconds

std::string packet_of(const links::ClientToControl& request) {
    links::Encoder encoder;
    encoder.put_frame(request);
    std::string packet;
    append_frame(packet, encoder.bytes);
    return packet;
}

Exchange<ControlConnection> open_patiently(const Site& site, Deadline& silence) {
    while (true) {
        auto connection = ControlConnection::open(site.control_socket);
        const bool busy = !connection && connection.error().trouble == Trouble::busy;
        if (!busy || silence.milliseconds_left() == 0) return connection;
        (void)poll(nullptr, 0, busy_pause);
    }
}

// The Answer that ends a request; what comes before it goes to `on_items`.
Exchange<links::Answer> ask(const Site& site, const links::ClientToControl& request,
                            const OnItems& on_items) {
    Deadline silence(site.silence);
    auto connection = open_patiently(site, silence);
    if (!connection) return std::unexpected(connection.error());
    const auto sent = connection->send(packet_of(request), silence);
    if (!sent) return std::unexpected(sent.error());
    while (true) {
        auto message = connection->receive(silence);
        if (!message) return std::unexpected(message.error());
        if (auto* answer = std::get_if<links::Answer>(&*message)) return std::move(*answer);
        if (const auto* items = std::get_if<links::ListItems>(&*message)) on_items(*items);
        silence.restart();
    }
}

void no_items(const links::ListItems&) {}

std::unexpected<Failure> not_running(const Setback& setback) {
    return fails(Exit::unavailable,
                 "the daemon does not answer: " + setback.text + "; is smtpd running?");
}

}  // namespace

Attempt<void> print_queue(const Site& site) {
    QueueList list;
    bool printed = true;
    const auto answer = ask(site, links::ListRequest{}, [&](const links::ListItems& items) {
        for (const links::QueueItem& item : items.items) {
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
    const auto answer = ask(site, links::FlushRequest{options.flushed}, no_items);
    if (!answer) return not_running(answer.error());
    return as_attempt(*answer);
}

Attempt<void> reload_aliases(const Site& site) {
    const auto answer = ask(site, links::AliasesRequest{}, no_items);
    if (!answer) return {};
    auto reloaded = as_attempt(*answer);
    // Anybody may call newaliases: that the daemon obeys the administrator alone is no error.
    const bool faulty = !reloaded && (reloaded.error().status == Exit::config ||
                                      reloaded.error().status == Exit::data);
    if (faulty) return reloaded;
    return {};
}

}  // namespace holdfast::sendmail
