#include "smtpd/parent/run_directory.h"

#include <sys/stat.h>

#include "smtpd/base/log.h"

namespace holdfast {

namespace {

// Where the folder cannot be watched, or what is missing not put back.
constexpr Duration between_looks = std::chrono::seconds(1);

bool is_at(int fd, const std::string& path) {
    struct stat held{};
    struct stat found{};
    return fstat(fd, &held) == 0 && lstat(path.c_str(), &found) == 0 &&
           held.st_dev == found.st_dev && held.st_ino == found.st_ino;
}

}  // namespace

RunDirectory::RunDirectory(Loop& loop, Paths paths, UniqueFd lock,
                           std::function<void()> on_republished)
    : loop_(loop),
      paths_(std::move(paths)),
      lock_(std::move(lock)),
      on_republished_(std::move(on_republished)),
      timer_(loop, [this] { mend(); }) {}

Status RunDirectory::publish() {
    if (control_) return {};
    auto published = ControlSocket::publish(paths_.control);
    if (!published) return published.error().pass();
    control_.emplace(std::move(*published));
    watch();
    return {};
}

void RunDirectory::adopt(links::ControlSocketState state) {
    control_.emplace(ControlSocket::adopt(paths_.control, std::move(state)));
    watch();
    timer_.set(Duration::zero());
}

bool RunDirectory::use_kept(std::string_view text, UniqueFd socket) {
    auto kept = ControlSocket::recognise(paths_.control, text, std::move(socket));
    if (!kept) return false;
    control_.emplace(std::move(*kept));
    watch();
    return true;
}

void RunDirectory::withdraw() {
    watch_.reset();
    timer_.cancel();
    if (control_) control_->withdraw();
}

// The watch's callback is on the stack when it tells of something.
void RunDirectory::watch() {
    auto watch = FolderWatch::open(loop_, paths_.folder, FolderWatch::News::changes,
                                   [this] { timer_.set(Duration::zero()); });
    if (!watch) {
        log::warning_limited("run-directory-unwatched", {{"reason", watch.error()}});
        return timer_.set(between_looks);
    }
    watch_ = std::move(*watch);
}

void RunDirectory::mend() {
    const bool whole = is_at(lock_.get(), paths_.lock) && control_->is_published();
    if (whole) {
        if (!watch_) watch();
        return;
    }
    watch_.reset();
    if (const auto done = put_back(); !done) {
        log::warning_limited("run-directory-lost", {{"reason", done.error()}});
        return timer_.set(between_looks);
    }
    watch();
    // What has been done to it before the watch stood.
    timer_.set(Duration::zero());
}

Status RunDirectory::put_back() {
    if (const auto made = make_run_directory(paths_.folder); !made) return made;
    if (const auto made = make_run_directory(paths_.empty); !made) return made;
    if (!is_at(lock_.get(), paths_.lock)) {
        auto lock = lock_instance(paths_.lock);
        if (!lock) return lock.error().pass();
        lock_ = std::move(*lock);
    }
    if (control_->is_published()) return {};
    auto published = ControlSocket::publish(paths_.control);
    if (!published) return published.error().pass();
    control_.emplace(std::move(*published));
    log::warning("control-socket-republished", {{"path", paths_.control}});
    on_republished_();
    return {};
}

}  // namespace holdfast
