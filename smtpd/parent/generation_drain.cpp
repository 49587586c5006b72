// How a generation comes to its end: those who take mail in first, then those whom others need.
#include <algorithm>
#include <csignal>

#include "smtpd/base/log.h"
#include "smtpd/parent/generation.h"

namespace holdfast {

void Generation::drain(std::vector<std::string> leaving) {
    begin_drain({std::move(leaving), patience_seconds_});
}

void Generation::stop() {
    begin_drain({});
}

void Generation::begin_drain(links::Drain order) {
    if (phase_ == Phase::over) return;
    phase_ = Phase::draining;
    start_deadline_.cancel();
    listeners_.clear();
    control_socket_.reset();
    room(links::Room::smtpin).drain(std::move(order));
    limit_drain();
    next_step_of_drain();
}

// An smtpin that has been taken over would drain for ever, with keys that sign.
void Generation::limit_drain() {
    constexpr std::uint32_t slack = 60;
    const std::uint32_t longest = std::max(patience_seconds_, drain_limit_seconds_) + slack;
    drain_deadline_.set(std::chrono::seconds(longest));
}

void Generation::end_drain() {
    if (room(links::Room::smtpin).state() == Resident::State::down) return;
    log::warning("drain-overdue", {{"generation", number()}});
    room(links::Room::smtpin).kill(SIGKILL);
}

void Generation::next_step_of_drain() {
    constexpr unsigned none = ~0U;
    unsigned step = none;
    for (const Resident& room : rooms_) {
        if (room.state() != Resident::State::down) step = std::min(step, room.row().stop_step);
    }
    for (Resident& room : rooms_) {
        const bool told = room.state() == Resident::State::draining;
        if (room.row().stop_step == step && !told) room.drain({});
    }
    if (step == none) reach(Phase::over);
}

void Generation::kill() {
    for (Resident& room : rooms_) room.kill(SIGKILL);
}

void Generation::leave_alone() {
    events_ = {};
    if (phase_ == Phase::going || phase_ == Phase::serving) drain({});
    for (Resident& room : rooms_) room.leave_alone();
}

void Generation::reach(Phase phase) {
    phase_ = phase;
    if (events_.on_phase) events_.on_phase(phase);
}

}  // namespace holdfast
