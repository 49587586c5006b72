#include "smtpd/qmgr/control_peer.h"

namespace holdfast::qmgr {

ControlPeer::ControlPeer(Reception& house, Admin& admin, DropPickup* pickup, UniqueFd channel,
                         OnEnd on_end)
    : admin_(admin),
      pickup_(pickup),
      on_end_(std::move(on_end)),
      channel_(house.loop, std::move(channel), *this),
      intake_(house, Submitter::user, callbacks()) {}

Intake::Callbacks ControlPeer::callbacks() {
    Intake::Callbacks result;
    result.credit = [this](links::Credit message) { channel_.send(message); };
    result.committed = [this](links::Committed message) { channel_.send(message); };
    result.rejected = [this](links::Rejected message) { channel_.send(std::move(message)); };
    result.drop_owner = [this](std::uint64_t drop) -> std::optional<std::uint32_t> {
        if (pickup_ == nullptr) return std::nullopt;
        return pickup_->owner(drop);
    };
    result.drop_ended = [this](std::uint64_t drop, const links::Refusal& refusal) {
        if (pickup_ != nullptr) pickup_->ended(drop, refusal);
    };
    return result;
}

void ControlPeer::end(std::optional<Breach> breach) {
    const auto on_end = on_end_;
    on_end(std::move(breach));
}

void ControlPeer::on_end(ChannelEnd how) {
    end(how == ChannelEnd::malformed ? std::optional(Breach{"a malformed message"}) : std::nullopt);
}

}  // namespace holdfast::qmgr
