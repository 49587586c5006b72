#include <array>
#include <cstring>

#include <sys/inotify.h>
#include <unistd.h>

#include "smtpd/qmgr/folder_watch.h"

namespace holdfast::qmgr {

FolderWatch::News parse_events(std::string_view bytes) {
    FolderWatch::News news;
    while (!bytes.empty()) {
        inotify_event event{};
        if (bytes.size() < sizeof event) {
            news.incomplete = true;
            return news;
        }
        std::memcpy(&event, bytes.data(), sizeof event);
        bytes.remove_prefix(sizeof event);
        if (event.len > bytes.size()) {
            news.incomplete = true;
            return news;
        }
        const std::string_view padded = bytes.substr(0, event.len);
        bytes.remove_prefix(event.len);
        if ((event.mask & (IN_Q_OVERFLOW | IN_IGNORED)) != 0) news.incomplete = true;
        const std::string_view name = padded.substr(0, padded.find('\0'));
        if (!name.empty()) news.names.emplace_back(name);
    }
    return news;
}

Result<std::unique_ptr<FolderWatch>> FolderWatch::open(Loop& loop, const std::string& folder,
                                                       std::function<void(News)> on_news) {
    UniqueFd fd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!fd) return errno_error("watch", folder);
    // Renamed or linked into place: a file that is still being written has another name.
    if (inotify_add_watch(fd.get(), folder.c_str(), IN_MOVED_TO | IN_CREATE | IN_ONLYDIR) < 0) {
        return errno_error("watch", folder);
    }
    return std::unique_ptr<FolderWatch>(new FolderWatch(loop, std::move(fd), std::move(on_news)));
}

FolderWatch::FolderWatch(Loop& loop, UniqueFd fd, std::function<void(News)> on_news)
    : fd_(std::move(fd)),
      on_news_(std::move(on_news)),
      watch_(loop, fd_.get(), [this](FdWatch::Ready) { read_events(); }) {
    watch_.want_read(true);
}

void FolderWatch::read_events() {
    std::array<char, 16 * 1024> buffer{};
    const ssize_t got = ::read(fd_.get(), buffer.data(), buffer.size());
    if (got <= 0) return;
    on_news_(parse_events({buffer.data(), static_cast<std::size_t>(got)}));
}

}  // namespace holdfast::qmgr
