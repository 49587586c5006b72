#include <array>
#include <cstring>

#include <sys/inotify.h>
#include <unistd.h>

#include "queue/layout.h"
#include "smtpd/qmgr/queue_watch.h"

namespace holdfast::qmgr {

Result<std::unique_ptr<QueueWatch>> QueueWatch::open(Loop& loop, const std::string& spool,
                                                     Callbacks callbacks) {
    UniqueFd fd(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!fd) return errno_error("watch", spool);
    const std::string committers = spool + "/" + queue::committers_name;
    if (inotify_add_watch(fd.get(), committers.c_str(), IN_OPEN) < 0) {
        return errno_error("watch", committers);
    }
    std::string folder = spool + "/" + queue::folder_name(queue::Folder::queue);
    return std::unique_ptr<QueueWatch>(
        new QueueWatch(loop, std::move(fd), std::move(folder), std::move(callbacks)));
}

QueueWatch::QueueWatch(Loop& loop, UniqueFd fd, std::string queue, Callbacks callbacks)
    : fd_(std::move(fd)),
      queue_(std::move(queue)),
      callbacks_(std::move(callbacks)),
      watch_(loop, fd_.get(), [this](FdWatch::Ready) { read_events(); }) {
    watch_.want_read(true);
}

// Renamed into place, or linked where the file system knows no better.
Status QueueWatch::watch_queue() {
    queue_watch_ =
        inotify_add_watch(fd_.get(), queue_.c_str(), IN_MOVED_TO | IN_CREATE | IN_ONLYDIR);
    if (queue_watch_ < 0) return errno_error("watch", queue_);
    return {};
}

void QueueWatch::ignore_queue() {
    if (queue_watch_ >= 0) inotify_rm_watch(fd_.get(), std::exchange(queue_watch_, -1));
}

// Only events of queue/ have a name.
void QueueWatch::read_events() {
    alignas(inotify_event) std::array<char, 64 * 1024> events;
    const ssize_t got = ::read(fd_.get(), events.data(), events.size());
    std::vector<MessageId> arrived;
    std::uint32_t others = 0;
    for (ssize_t at = 0; at + ssize_t{sizeof(inotify_event)} <= got;) {
        inotify_event event{};
        std::memcpy(&event, events.data() + at, sizeof event);
        const char* name = events.data() + at + sizeof event;
        if (event.len == 0) {
            others |= event.mask;
        } else if (const auto id = queue::parse_message_name(name)) {
            arrived.push_back(*id);
        }
        at += static_cast<ssize_t>(sizeof event + event.len);
    }
    if (!arrived.empty()) callbacks_.on_arrivals(arrived);
    if ((others & IN_OPEN) != 0) callbacks_.on_newcomer();
    if ((others & IN_Q_OVERFLOW) != 0) callbacks_.on_loss();
}

}  // namespace holdfast::qmgr
