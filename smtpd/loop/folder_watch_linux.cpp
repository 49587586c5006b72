#include <array>

#include <sys/inotify.h>
#include <unistd.h>

#include "smtpd/loop/folder_watch.h"

namespace holdfast {

namespace {

// Renamed or linked into place, or made there.
constexpr std::uint32_t coming = IN_MOVED_TO | IN_CREATE;
constexpr std::uint32_t going = IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF;

}  // namespace

Result<std::unique_ptr<FolderWatch>> FolderWatch::open(Loop& loop, const std::string& folder,
                                                       News wanted, std::function<void()> on_news) {
    UniqueFd fd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!fd) return errno_error("watch", folder);
    const std::uint32_t events = wanted == News::arrivals ? coming : coming | going;
    if (inotify_add_watch(fd.get(), folder.c_str(), events | IN_ONLYDIR) < 0) {
        return errno_error("watch", folder);
    }
    return std::unique_ptr<FolderWatch>(new FolderWatch(loop, std::move(fd), std::move(on_news)));
}

// The events themselves, whose names any local user may choose, are not looked at; events that were
// lost are news too.
FolderWatch::FolderWatch(Loop& loop, UniqueFd fd, std::function<void()> on_news)
    : fd_(std::move(fd)),
      watch_(loop, fd_.get(), [this, on_news = std::move(on_news)](FdWatch::Ready) {
          std::array<char, 16 * 1024> events{};
          if (::read(fd_.get(), events.data(), events.size()) > 0) on_news();
      }) {
    watch_.want_read(true);
}

}  // namespace holdfast
