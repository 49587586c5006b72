#include "smtpd/mda/start.h"

#include <csignal>
#include <optional>

#include <sys/stat.h>
#include <unistd.h>

#include "smtpd/base/packet.h"
#include "smtpd/confine/entry.h"
#include "smtpd/links/parent_mda.h"
#include "smtpd/mda/account.h"
#include "smtpd/mda/become.h"
#include "smtpd/mda/outcome.h"

namespace holdfast::mda {

namespace {

links::ParentToMda next_message(int parent) {
    auto packet = receive_packet(parent);
    if (!packet) exit_with(packet.error());
    std::string_view rest = packet->bytes;
    const auto frame = take_frame(rest);
    // The parent sends descriptors alone in their packet, and waits for nothing in between.
    if (!frame || !rest.empty()) exit_with(Error(0, "the parent ended before the agent stood"));
    links::Decoder decoder(*frame, packet->fds, links::Tail::skip);
    auto message = decoder.take_frame<links::ParentToMda>();
    if (!message) exit_with(Error(0, "the parent sent what no agent knows"));
    return std::move(*message);
}

std::expected<Destination, Outcome> find_destination(const Assignment& assignment,
                                                     const links::MdaSnapshot& snapshot) {
    auto account = assignment.user == "root" ? root_account() : find_account(assignment.user);
    if (!account) return std::unexpected(account.error());
    return destination(*account, {assignment.start.privileged, getuid(), getgid()}, snapshot);
}

Result<Mailbox> open_mailbox(const Destination& to, const links::MdaSnapshot& snapshot) {
    if (to.mailbox == links::Mailbox::mbox) {
        auto mbox = Mbox::open({snapshot.mail_folder, to.name});
        if (!mbox) return mbox.error().pass();
        return Mailbox(std::move(*mbox));
    }
    auto maildir = Maildir::open({to.home, snapshot.maildir, snapshot.hostname});
    if (!maildir) return maildir.error().pass();
    return Mailbox(std::move(*maildir));
}

// What the agent still may do with files. The mailbox is open by now, so that its place exists.
Confinement confinement_for(const Mailbox& mailbox, const links::MdaSnapshot& snapshot) {
    if (std::holds_alternative<Mbox>(mailbox)) {
        return {{Power::files}, {}, {snapshot.mail_folder}};
    }
    if (const auto* maildir = std::get_if<Maildir>(&mailbox)) {
        return {{Power::files, Power::threads}, {}, {maildir->path()}};
    }
    return {{}, {}, {}};
}

Mailbox open_as(const Destination& to, const Assignment& assignment,
                const links::MdaSnapshot& snapshot) {
    if (assignment.start.privileged) {
        if (const auto done = become(to.identity); !done) {
            return Closed{retry("4.3.0", "deliver to " + to.name + ": " + done.error().text())};
        }
    }
    auto mailbox = open_mailbox(to, snapshot);
    if (!mailbox) return Closed{retry_after(mailbox.error())};
    return std::move(*mailbox);
}

}  // namespace

Assignment receive_assignment() {
    Assignment assignment{UniqueFd(links::parent_fd), {}, {}, {}};
    assignment.start = receive_start(links::Room::mda, assignment.parent.get());
    while (assignment.user.empty() || !assignment.qmgr) {
        auto message = next_message(assignment.parent.get());
        if (auto* user = std::get_if<links::User>(&message)) {
            assignment.user = std::move(user->name);
        } else if (auto* peer = std::get_if<links::Peer>(&message)) {
            assignment.qmgr = std::move(peer->channel);
        }
    }
    return assignment;
}

Mailbox settle(const Assignment& assignment) {
    umask(077);
    // A limit on file sizes shall fail the write, as a full disk does.
    std::signal(SIGXFSZ, SIG_IGN);
    const auto snapshot = links::read_struct<links::MdaSnapshot>(assignment.start.snapshot.get());
    if (!snapshot) exit_with(snapshot.error());
    const auto to = find_destination(assignment, *snapshot);
    Mailbox mailbox = to ? open_as(*to, assignment, *snapshot) : Mailbox(Closed{to.error()});
    // Refusing needs no identity, and root is none. (Already someone else where only the mailbox
    // could not be opened.)
    if (assignment.start.privileged && geteuid() == 0) {
        if (const auto done = become(nobody()); !done) exit_with(done.error());
    }
    if (const auto done = confine_calls(confinement_for(mailbox, *snapshot)); !done) {
        exit_with(done.error());
    }
    return mailbox;
}

void report_ready(const Assignment& assignment) {
    links::Encoder encoder;
    encoder.put_frame(links::MdaToParent(links::Ready{}));
    std::string packet;
    append_frame(packet, encoder.bytes);
    // A parent that has gone does not end a delivery.
    static_cast<void>(send_packet(assignment.parent.get(), packet));
}

}  // namespace holdfast::mda
