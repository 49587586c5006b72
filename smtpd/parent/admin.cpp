#include "smtpd/parent/admin.h"

#include <algorithm>

#include <sys/socket.h>
#include <unistd.h>

#include "smtpd/base/packet.h"
#include "smtpd/parent/outfit.h"

namespace holdfast {

bool may_command(int client) {
    ucred peer{};
    socklen_t length = sizeof peer;
    if (getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
    return peer.uid == 0 || peer.uid == geteuid();
}

void tell(int client, const links::ControlToClient& message) {
    links::Encoder frame;
    frame.put_frame(message);
    std::string packet;
    append_frame(packet, frame.bytes);
    static_cast<void>(send_packet(client, packet));
}

std::string_view task_name(Work::Task task) {
    switch (task) {
        case Work::Task::aliases:
            return "aliases";
        case Work::Task::reload:
            return "reload";
        case Work::Task::restart:
            return "restart";
    }
    return "";
}

Work::Work(links::OrderState state)
    : task_(static_cast<Task>(state.task)),
      now_(state.now),
      clients_(std::move(state.clients)),
      askers_(std::move(state.askers)) {}

links::OrderState Work::leave() const {
    links::OrderState state{static_cast<std::uint8_t>(task_), now_, {}, askers_};
    for (const UniqueFd& client : clients_) state.clients.push_back(duplicate(client.get()));
    return state;
}

Work& WorkQueue::find_or_add(Work::Task task) {
    const auto same = std::ranges::find(waiting_, task, &Work::task);
    return same != waiting_.end() ? *same : waiting_.emplace_back(task);
}

std::optional<Work> WorkQueue::take(const std::function<bool(const Work&)>& may_begin) {
    const auto found = std::ranges::find_if(waiting_, may_begin);
    if (found == waiting_.end()) return {};
    Work work = std::move(*found);
    waiting_.erase(found);
    return work;
}

std::size_t WorkQueue::waiters() const {
    std::size_t count = 0;
    for (const Work& work : waiting_) count += work.clients().size() + work.askers().size();
    return count;
}

}  // namespace holdfast
