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
#include "smtpd/base/write.h"

namespace holdfast::sendmail {

namespace {

constexpr mode_t file_mode = 0640;  // the folder's group, the daemon's, reads it

// One file on its way into the folder; taken back unless it was kept.
class DropFile {
  public:
    DropFile(const Site& site, const MessageId& id)
        : folder_(site.drop),
          hidden_(site.drop + "/" + id.text() + ".tmp"),
          visible_(site.drop + "/" + id.text()) {}
    ~DropFile() {
        if (!there_.empty()) (void)unlink(there_.c_str());
    }
    DropFile(const DropFile&) = delete;
    DropFile& operator=(const DropFile&) = delete;

    Status write(const Submission& submission) {
        constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY;
        file_.reset(open(hidden_.c_str(), flags, file_mode));
        if (!file_) return errno_error("create", hidden_);
        there_ = hidden_;
        if (fchmod(file_.get(), file_mode) != 0) return errno_error("set the mode of", hidden_);
        Status written;
        for_each_packet(submission, [&](std::string_view packet, More) {
            std::string framed;
            append_frame(framed, packet);
            written = write_all(file_.get(), framed);
            return written.has_value();
        });
        if (!written) return written.error().in(hidden_);
        if (fsync(file_.get()) != 0) return errno_error("sync", hidden_);
        return {};
    }

    // Nothing has that name: it is new and holds 80 random bits. After success the file is kept:
    // either it is on disk for certain, or the daemon has it.
    Status publish() {
        if (rename(hidden_.c_str(), visible_.c_str()) != 0) return errno_error("publish", visible_);
        there_ = visible_;
        const Status synced = sync_names();
        const bool taken_up = !synced && unlink(visible_.c_str()) != 0 && errno == ENOENT;
        if (!synced && !taken_up) return synced;
        there_.clear();
        return {};
    }

  private:
    // The folder can't be listed by users, so that most of us can't open it to sync it. Syncing
    // the file system of the file does the same and more.
    Status sync_names() const {
        const UniqueFd folder(open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!folder && errno != EACCES && errno != EPERM && errno != EMFILE && errno != ENFILE) {
            return errno_error("open", folder_);
        }
        if ((folder ? fsync(folder.get()) : syncfs(file_.get())) != 0) {
            return errno_error("sync", folder_);
        }
        return {};
    }

    std::string folder_;
    std::string hidden_;
    std::string visible_;
    std::string there_;  // the name that it has now; empty: none, or not ours to take back
    UniqueFd file_;
};

}  // namespace

Attempt<void> drop(const Submission& submission, const Site& site, DaemonMayHaveIt daemon) {
    hold_ending_signals();
    DropFile file(site, submission.submit.id);
    Status done = file.write(submission);
    if (done && daemon == DaemonMayHaveIt::no && ending_signal_held()) {
        done = plain_error("ended by a signal");
    }
    if (done) done = file.publish();
    if (!done) return fails(EX_TEMPFAIL, done.error().text());
    return {};
}

}  // namespace holdfast::sendmail
