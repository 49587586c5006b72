// Whether another message may be worked on: each costs memory for every one of its recipients, and
// anybody may submit messages with many. Pure.
//
// Messages with few recipients and those with many have a lane each, so that the latter, whose
// mailboxes may hang, never keep ordinary mail waiting; those that have not been read yet have
// another, which only ever waits for the disk.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "smtpd/base/message_id.h"

namespace holdfast::qmgr {

class Crowd {
  public:
    static constexpr std::size_t max_recipients = 10'000;  // of a lane; one message always fits
    static constexpr std::size_t few = 100;                // recipients; above it is the other lane
    static constexpr std::uint32_t unread = 0;             // recipients: nobody knows how many

    // There is room, and nobody in front.
    bool fits(std::uint32_t recipients);
    void enter(std::uint32_t recipients);
    void leave(std::uint32_t recipients);

    // Waits for room behind the others of its lane.
    void wait(const MessageId& id, std::uint32_t recipients);
    // The first of a lane, where there may be room for it: no longer waiting.
    std::optional<MessageId> next();
    // For messages that are being worked on, which may take long.
    bool others_wait() const { return !lanes_[0].line.empty() || !lanes_[1].line.empty(); }

    std::size_t recipients() const { return lanes_[0].taken + lanes_[1].taken; }

  private:
    struct Waiting {
        MessageId id;
        std::uint32_t recipients = 0;
    };
    struct Lane {
        std::size_t taken = 0;
        std::deque<Waiting> line;
        bool fits(std::uint32_t recipients) const {
            return taken == 0 || taken + weight_of(recipients) <= max_recipients;
        }
    };
    static std::uint32_t weight_of(std::uint32_t recipients) {
        return recipients == unread ? taken_for : recipients;
    }
    Lane& lane_of(std::uint32_t recipients);

    static constexpr std::uint32_t taken_for = 1'000;  // of an unread one

    std::array<Lane, 3> lanes_;  // few, many, unread
};

}  // namespace holdfast::qmgr
