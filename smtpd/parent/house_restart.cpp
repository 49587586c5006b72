// The house's way into another program and out of it again: pin, rehearse, hand over, resume, and
// back where the new program can't do what it has rehearsed.
#include <algorithm>

#include "smtpd/base/log.h"
#include "smtpd/base/paths.h"
#include "smtpd/parent/house.h"

namespace holdfast {

// Everything is proved before anything is given up: the new programs are pinned, and rehearse with
// the real state what they will have to do.
void House::restart() {
    log::info("restarting", {});
    manager_.reloading("changing to the programs that are installed now");
    auto image = Image::pin(facts_.paths);
    if (!image) return finish_work(failed(EX_OSFILE, image.error()));
    if (const auto enough = enough_descriptors(); !enough) {
        return finish_work(failed(EX_OSERR, enough.error()));
    }
    successor_ = std::move(*image);
    rehearsal_ = std::make_unique<Rehearsal>(loop_, successor_->find("smtpd"), leave(),
                                             [this](const Report& report) { rehearsed(report); });
}

void House::rehearsed(const Report& report) {
    if (!report.good()) return finish_work(report);
    hand_over_began_ = loop_.now();
    hand_over_timer_.set(Duration::zero());
}

// A library that the pinned programs need has been replaced, as a rule: others are installed.
void House::programs_gone(std::uint32_t number) {
    if (number != serving().number() || (work_ && work_->task() == Work::Task::restart)) return;
    if (std::exchange(outdated_, number) == number) return;
    log::error("programs-gone", {{"generation", number}});
    want(Work::Task::restart);
}

// Between two events: no message is half read or half written, and what was said has left.
void House::hand_over() {
    constexpr Duration patience = std::chrono::seconds(5);
    const bool flushed = std::ranges::all_of(
        generations_, [](const auto& generation) { return generation->flushed(); });
    const bool in_time = loop_.now() - hand_over_began_ < patience;
    if (in_time && !(flushed && manager_.heard_all())) {
        return hand_over_timer_.set(std::chrono::milliseconds(1));
    }
    if (!flushed) {
        return finish_work({EX_TEMPFAIL, "a room does not read what it is told: try again", {}});
    }
    const UniqueFd fallback = duplicate(serving().outfit().image->find("smtpd").fd);
    const Error error = become(successor_->find("smtpd"), leave(), {1, fallback.get(), {}});
    finish_work(failed(EX_OSERR, error));
}

links::ParentState House::leave() {
    links::ParentState state;
    state.version = paths::version;
    state.config_option = facts_.config;
    state.foreground = facts_.foreground;
    state.started = started_.time_since_epoch().count();
    state.last_generation = last_generation_;
    state.log_form = facts_.outfit.log_form;
    state.log = duplicate(facts_.outfit.log);
    state.lock = duplicate(run_.lock().get());
    state.control = run_.leave();
    for (const BoundListener& one : listeners_) {
        state.listeners.push_back({one.plan, duplicate(one.socket.get())});
    }
    leaving_.leave(state.listeners);
    for (const auto& generation : generations_) {
        links::GenerationState one = generation->leave();
        const QueueToken::Hold& hold = token_.hold(generation->number());
        one.released = !hold.schedules;
        one.lost = hold.lost;
        one.in_hand.assign(hold.in_hand.begin(), hold.in_hand.end());
        state.generations.push_back(std::move(one));
    }
    state.held_back = token_.held_back();
    state.agents = agents_.state();
    state.ticket_keys = ticket_keys_.leave();
    if (successor_) state.successor = successor_->leave();
    if (work_) state.order = work_->leave();
    for (const Work& work : waiting_.all()) state.waiting.push_back(work.leave());
    state.last_change = {last_change_, last_change_at_.time_since_epoch().count()};
    return state;
}

void House::resume(links::ParentState state, Resumption resumption) {
    resumption_ = std::move(resumption);
    started_ = MonoTime(Duration(state.started));
    last_generation_ = state.last_generation;
    last_change_ = std::move(state.last_change.how);
    last_change_at_ = WallTime(std::chrono::milliseconds(state.last_change.at));
    ticket_keys_.adopt(std::move(state.ticket_keys));
    ticket_timer_.set(ticket_keys_.time_left(loop_.now()));
    certificates_timer_.set(between_looks_at_certificates);
    run_.adopt(std::move(state.control));
    kept_control_ = fd_name(run_.control_text());
    std::vector<BoundListener> leaving;
    for (links::ListenerState& one : state.listeners) {
        (one.leaving ? leaving : listeners_)
            .push_back({std::move(one.plan), std::move(one.socket)});
    }
    leaving_.replaced(std::move(leaving), listeners_);
    for (links::GenerationState& one : state.generations) {
        QueueToken::Hold hold{!one.released, one.lost, {one.in_hand.begin(), one.in_hand.end()}};
        const std::uint32_t number = one.number;
        generations_.push_back(Generation::adopt(loop_, facts_.outfit, std::move(one)));
        generations_.back()->listen_to(events_of(number));
        const bool up = generations_.back()->room(links::Room::qmgr).up();
        token_.adopt(number, std::move(hold), up ? QueueToken::Qmgr::up : QueueToken::Qmgr::down);
    }
    agents_.adopt(std::move(state.agents), [this](std::uint32_t number) {
        Generation* const generation = find(number);
        return (generation != nullptr ? *generation : serving()).agent_kit();
    });
    for (const auto& generation : generations_) {
        generation->resume(listeners_, run_.control_socket());
        generation->use_ticket_keys(ticket_keys_.keys());
    }
    if (state.held_back) hold_back_for_strangers();
    for (links::OrderState& one : state.waiting) waiting_.adopt(std::move(one));
    work_.emplace(std::move(state.order));
    sweep_timer_.set(Duration::zero());
    if (resumption_.attempt == 1) {
        prepare(Image::adopt(std::move(state.successor)));
    } else {
        loop_.post([this] { finish_work({EX_SOFTWARE, resumption_.failure, {}}); });
    }
}

// The new program could not do what it had rehearsed: the old one serves on.
void House::give_way_to_fallback(const Report& report) {
    candidate_.reset();
    const UniqueFd fallback(resumption_.fallback);
    resumption_ = {};
    const std::string why = "rolled back: " + report.summary();
    log::error("rolled-back", {{"reason", report.summary()}});
    const Error error = become({fallback.get(), "the old smtpd"}, leave(), {2, -1, why});
    log::error("rollback-failed", {{"reason", error}});
    finish_work({EX_SOFTWARE, why, report.complaints});
}

}  // namespace holdfast
