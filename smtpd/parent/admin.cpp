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

void tell_certificates(int client, const std::vector<links::CertificateStatus>& certificates) {
    constexpr std::size_t batch = 4;  // each with 20 names, a path and a warning
    constexpr int room_for_all = 4 * 1024 * 1024;
    if (setsockopt(client, SOL_SOCKET, SO_SNDBUFFORCE, &room_for_all, sizeof room_for_all) != 0) {
        setsockopt(client, SOL_SOCKET, SO_SNDBUF, &room_for_all, sizeof room_for_all);
    }
    for (std::size_t i = 0; i < certificates.size(); i += batch) {
        const auto begin = certificates.begin() + static_cast<std::ptrdiff_t>(i);
        const std::size_t count = std::min(batch, certificates.size() - i);
        tell(client, links::Certificates{{begin, begin + static_cast<std::ptrdiff_t>(count)}});
    }
}

std::string_view task_name(Work::Task task) {
    switch (task) {
        case Work::Task::aliases:
            return "aliases";
        case Work::Task::reload:
            return "reload";
        case Work::Task::restart:
            return "restart";
        case Work::Task::reload_certs:
            return "reload-certs";
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
