#include "smtpd/mda/mbox.h"

#include <algorithm>
#include <random>
#include <thread>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smtpd/mda/mbox_append.h"
#include "smtpd/mda/mbox_format.h"
#include "smtpd/mda/outcome.h"
#include "smtpd/mda/trace.h"

namespace holdfast::mda {

namespace {

// Between attempts at the locks: longer each time, and never in step with a rival's.
std::chrono::milliseconds pause_after(unsigned attempt) {
    static thread_local std::minstd_rand random{std::random_device()()};
    const int longest = attempt < 5 ? 4 << attempt : 100;
    return std::chrono::milliseconds(std::uniform_int_distribution(longest / 2, longest)(random));
}

}  // namespace

Result<Mbox> Mbox::open(Settings settings) {
    UniqueFd folder(::open(settings.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder) return errno_error("open mail folder", settings.folder);
    return Mbox(std::move(settings), std::move(folder));
}

std::string Mbox::head(const links::Deliver& order) const {
    return from_line(order) + trace_lines(order);
}

Result<UniqueFd> Mbox::spill_file(const links::Deliver& order) const {
    const std::string name = "." + settings_.name + "." + order.id.text();
    unlinkat(folder_.get(), name.c_str(), 0);  // left by an agent that was killed just here
    UniqueFd file(openat(folder_.get(), name.c_str(),
                         O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return errno_error("create a temporary file in", settings_.folder);
    if (unlinkat(folder_.get(), name.c_str(), 0) != 0) {
        return errno_error("remove a temporary file in", settings_.folder);
    }
    return file;
}

std::vector<Outcome> Mbox::store(std::span<const Parcel> batch) const {
    auto held = lock();
    if (!held) return std::vector<Outcome>(batch.size(), held.error());
    auto outcomes = append_to_mbox(held->mailbox.fd(), folder_.get(), held->lock, batch);
    for (Outcome& one : outcomes) {
        if (one.verdict == Verdict::retry) {
            one.text = "mailbox " + settings_.folder + "/" + settings_.name + ": " + one.text;
        }
    }
    return outcomes;
}

std::expected<Mbox::Held, Outcome> Mbox::lock() const {
    const MonoTime deadline = real_clock().mono() + settings_.patience;
    for (unsigned attempt = 0;; ++attempt) {
        auto held = try_lock();
        if (!held) return std::unexpected(retry_after(held.error()));
        if (*held) return std::move(**held);
        if (real_clock().mono() > deadline) return std::unexpected(still_locked());
        std::this_thread::sleep_for(pause_after(attempt));
    }
}

Result<std::optional<Mbox::Held>> Mbox::try_lock() const {
    const MailboxFile::Place place{folder_.get(), settings_.name,
                                   settings_.folder + "/" + settings_.name};
    auto mailbox = MailboxFile::open(place);
    if (!mailbox) return mailbox.error().pass();
    const auto locked = mailbox->try_lock();
    if (!locked) return locked.error().in(place.path);
    if (!*locked) return std::nullopt;
    auto dot = DotLock::try_take({folder_.get(), settings_.name + ".lock", boot_});
    if (!dot) return dot.error().in("lock mailbox in " + settings_.folder);
    if (!*dot) return std::nullopt;
    const auto in_place = mailbox->in_place(place);
    if (!in_place) return in_place.error().pass();
    if (!*in_place) return std::nullopt;
    return std::optional<Held>({std::move(*mailbox), std::move(**dot)});
}

Outcome Mbox::still_locked() const {
    const std::string path = settings_.folder + "/" + settings_.name;
    const std::string lock = settings_.name + ".lock";
    struct stat facts{};
    if (fstatat(folder_.get(), lock.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) {
        return retry("4.2.0", "mailbox " + path + " stays locked (fcntl) by another program: " +
                                  "close the one that has it open");
    }
    return retry("4.2.0", "mailbox " + path + " stays locked by " + path + ".lock of uid " +
                              std::to_string(facts.st_uid) +
                              ": remove that file if no program uses the mailbox");
}

}  // namespace holdfast::mda
