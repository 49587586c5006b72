#include "smtpd/qmgr/crowd.h"

#include <algorithm>

namespace holdfast::qmgr {

Crowd::Lane& Crowd::lane_of(std::uint32_t recipients) {
    if (recipients == unread) return lanes_[2];
    return lanes_.at(recipients > few ? 1 : 0);
}

bool Crowd::fits(std::uint32_t recipients) {
    const Lane& lane = lane_of(recipients);
    return lane.line.empty() && lane.fits(recipients);
}

void Crowd::enter(std::uint32_t recipients) {
    lane_of(recipients).taken += weight_of(recipients);
}

void Crowd::leave(std::uint32_t recipients) {
    lane_of(recipients).taken -= weight_of(recipients);
}

void Crowd::wait(const MessageId& id, std::uint32_t recipients) {
    lane_of(recipients).line.push_back({id, recipients});
}

std::optional<MessageId> Crowd::next() {
    const auto ready = std::ranges::find_if(lanes_, [](const Lane& lane) {
        return !lane.line.empty() && lane.fits(lane.line.front().recipients);
    });
    if (ready == lanes_.end()) return std::nullopt;
    const MessageId id = ready->line.front().id;
    ready->line.pop_front();
    return id;
}

}  // namespace holdfast::qmgr
