// The channel from control: submissions of local users, the files of drop/ made into submissions,
// and what people ask about the queue. It vouches for who submits, and for nothing else.
#pragma once

#include <functional>
#include <optional>

#include "smtpd/links/control_qmgr.h"
#include "smtpd/loop/channel.h"
#include "smtpd/qmgr/admin.h"
#include "smtpd/qmgr/drop_pickup.h"
#include "smtpd/qmgr/intake.h"

namespace holdfast::qmgr {

class ControlPeer {
  public:
    using OnEnd = std::function<void(std::optional<Breach>)>;

    // `pickup` may be nullptr: there is no drop/. `on_end` as in SmtpinPeer.
    ControlPeer(Reception& house, Admin& admin, DropPickup* pickup, UniqueFd channel, OnEnd on_end);

    std::size_t open() const { return intake_.open(); }
    void send(links::QmgrToControl message) { channel_.send(std::move(message)); }

    void on(links::Begin&& message) { take(std::move(message)); }
    void on(links::Recipients&& message) { take(std::move(message)); }
    void on(links::Chunk&& message) { take(std::move(message)); }
    void on(links::End&& message) { take(std::move(message)); }
    void on(links::Abort&& message) { take(std::move(message)); }
    void on(links::DropCredit&& message) {
        if (pickup_ != nullptr) pickup_->on(std::move(message));
    }
    void on(links::DropBad&& message) {
        if (pickup_ != nullptr) pickup_->on(std::move(message));
    }
    void on(links::CountsQuery&& query) { admin_.on(std::move(query)); }
    void on(links::ListQuery&& query) { admin_.on(std::move(query)); }
    void on(links::ShowQuery&& query) { admin_.on(std::move(query)); }
    void on(links::RemoveQuery&& query) { admin_.on(std::move(query)); }
    void on(links::FlushQuery&& query) { admin_.on(std::move(query)); }
    void on_end(ChannelEnd how);

  private:
    template <class Message>
    void take(Message&& message) {
        if (auto breach = intake_.on(std::move(message))) end(std::move(breach));
    }
    Intake::Callbacks callbacks();
    void end(std::optional<Breach> breach);

    Admin& admin_;
    DropPickup* pickup_;
    OnEnd on_end_;
    Channel<links::QmgrToControl, links::ControlToQmgr> channel_;
    Intake intake_;
};

}  // namespace holdfast::qmgr
