#include "ctl/sendmail/drop.h"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/sendmail/process.h"
#include "smtpd/base/error.h"
#include "smtpd/base/packet.h"
#include "smtpd/base/unique_fd.h"

namespace holdfast::sendmail {

namespace {

constexpr mode_t file_mode = 0640;  // the folder's group, the daemon's, reads it

Status write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = write(file, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return errno_error("write");
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
}

// One file on its way into the folder; taken back unless it was kept.
class DropFile {
  public:
    DropFile(const Site& site, const MessageId& id)
        : folder_(site.drop),
          hidden_(site.drop + "/.tmp." + id.text()),
          visible_(site.drop + "/" + id.text()) {}
    ~DropFile() {
        if (place_ != Place::nowhere) (void)unlink(path().c_str());
    }
    DropFile(const DropFile&) = delete;
    DropFile& operator=(const DropFile&) = delete;

    Status write(const Submission& submission);
    Status publish();
    // Kept: either it is on disk for certain, or the daemon has it.
    Status sync_folder();

  private:
    enum class Place : std::uint8_t { nowhere, hidden, visible };

    const std::string& path() const { return place_ == Place::visible ? visible_ : hidden_; }
    bool taken_up_by_the_daemon();
    Status sync_names() const;

    std::string folder_;
    std::string hidden_;
    std::string visible_;
    Place place_ = Place::nowhere;
    UniqueFd file_;
};

Status DropFile::write(const Submission& submission) {
    constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY;
    file_.reset(open(hidden_.c_str(), flags, file_mode));
    if (!file_) return errno_error("create", hidden_);
    place_ = Place::hidden;
    if (fchmod(file_.get(), file_mode) != 0) return errno_error("set the mode of", hidden_);
    SubmissionPackets packets(submission);
    while (const auto packet = packets.next()) {
        std::string framed;
        append_frame(framed, *packet);
        const Status written = write_all(file_.get(), framed);
        if (!written) return written.error().in(hidden_);
    }
    if (fsync(file_.get()) != 0) return errno_error("sync", hidden_);
    return {};
}

Status DropFile::publish() {
    int renamed =
        renameat2(AT_FDCWD, hidden_.c_str(), AT_FDCWD, visible_.c_str(), RENAME_NOREPLACE);
    if (renamed != 0 && (errno == EINVAL || errno == ENOSYS)) {
        // A file system without that flag: link() never replaces either.
        renamed = link(hidden_.c_str(), visible_.c_str());
        if (renamed == 0) (void)unlink(hidden_.c_str());
    }
    if (renamed != 0) return errno_error("publish", visible_);
    place_ = Place::visible;
    return {};
}

// The folder can't be listed by users, so that most of us can't open it to sync it. Syncing the
// file system of the file does the same and more.
Status DropFile::sync_names() const {
    const UniqueFd folder(open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder && errno != EACCES && errno != EPERM && errno != EMFILE && errno != ENFILE) {
        return errno_error("open", folder_);
    }
    if ((folder ? fsync(folder.get()) : syncfs(file_.get())) != 0) {
        return errno_error("sync", folder_);
    }
    return {};
}

Status DropFile::sync_folder() {
    Status synced = sync_names();
    if (synced || taken_up_by_the_daemon()) {
        place_ = Place::nowhere;
        return {};
    }
    return synced;
}

bool DropFile::taken_up_by_the_daemon() {
    const bool taken_back = unlink(visible_.c_str()) == 0;
    const bool gone = !taken_back && errno == ENOENT;
    if (taken_back) place_ = Place::nowhere;
    return gone;
}

std::unexpected<Failure> failed(const Error& error) {
    return fails(Exit::temporary, error.text());
}

}  // namespace

Attempt<void> drop(const Submission& submission, const Site& site, DaemonMayHaveIt daemon) {
    hold_ending_signals();
    DropFile file(site, submission.submit.id);
    if (const Status written = file.write(submission); !written) return failed(written.error());
    if (daemon == DaemonMayHaveIt::no && ending_signal_held()) {
        return fails(Exit::temporary, "ended by a signal");
    }
    if (const Status published = file.publish(); !published) return failed(published.error());
    if (const Status synced = file.sync_folder(); !synced) return failed(synced.error());
    return {};
}

}  // namespace holdfast::sendmail
