// A mailbox file in the mail folder, such as /var/mail/alice. Messages are appended under both
// locks that mail programs use, fcntl() first and the lock file second (Debian policy 11.6), and a
// batch shares the locks and the fsync.
//
// The folder may be sticky and full of hostile files (F32): only a regular file with one name that
// belongs to the user is ever written, and it is looked at again under the locks.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "queue/verdict.h"
#include "smtpd/base/clock.h"
#include "smtpd/mda/content.h"
#include "smtpd/mda/dot_lock.h"
#include "smtpd/mda/mailbox_file.h"

namespace holdfast::mda {

class Mbox {
  public:
    struct Settings {
        std::string folder;  // "/var/mail"
        std::string name;    // the file's: "alice"; one component, and no lock file's name
        Duration patience = std::chrono::seconds(30);  // how long others may hold the locks
    };

    // Opens the folder. The mailbox itself is made with the first delivery.
    static Result<Mbox> open(Settings settings);

    // What goes in front of a message.
    std::string head(const links::Deliver& order) const;

    // Where a large message waits until it is complete: the locks are held for the append only.
    // In the mail folder, so that the user's quota counts, and without a name.
    Result<UniqueFd> spill_file(const links::Deliver& order) const;
    void discard(const links::Deliver& /*order*/) const {}
    // Where that file is, for messages.
    std::string spill_place() const { return settings_.folder; }

    // Nothing that could go: the folder is the administrator's.
    bool gone() const { return false; }

    // Appends, in order; durable on return. One outcome for each, or none at all where a failed
    // append could not be undone: then nothing may be said about it.
    std::vector<Outcome> store(std::span<const Parcel> batch) const;

  private:
    struct Held {
        MailboxFile mailbox;
        DotLock lock;  // let go first
    };

    Mbox(Settings settings, UniqueFd folder)
        : settings_(std::move(settings)), folder_(std::move(folder)), boot_(boot_id()) {}

    std::expected<Held, Outcome> lock() const;
    Result<std::optional<Held>> try_lock() const;
    Outcome still_locked() const;

    Settings settings_;
    UniqueFd folder_;
    std::string boot_;
};

}  // namespace holdfast::mda
