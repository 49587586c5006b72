#include "smtpd/control/house.h"

#include <ranges>

#include "smtpd/base/log.h"
#include "smtpd/control/intake.h"
#include "smtpd/control/request.h"

namespace holdfast::control {

namespace {

constexpr std::size_t backlog_limit = std::size_t{4} * 1024 * 1024;
constexpr Duration pause_after_failure = std::chrono::seconds(1);

// Calls `action` with each object: with those that are still listed when their turn comes.
template <class Listed, class Action>
void for_each_listed(const std::map<std::uint64_t, Listed*>& list, const Action& action) {
    const auto keys = std::views::keys(list);
    for (const std::uint64_t number : std::vector<std::uint64_t>(keys.begin(), keys.end())) {
        const auto found = list.find(number);
        if (found != list.end()) action(*found->second);
    }
}

}  // namespace

House::House(Loop& loop, const links::ControlSnapshot& snapshot, SendToParent send_to_parent)
    : loop_(loop),
      snapshot_(snapshot),
      send_to_parent_(std::move(send_to_parent)),
      ask_again_(loop, [this] { ask_users(); }) {}

std::uint64_t House::enlist(Intake& intake) {
    intakes_.emplace(++last_number_, &intake);
    if (users_) users_->send(links::UidQuery{last_number_, intake.uid()});
    return last_number_;
}

std::uint64_t House::enlist(Request& request) {
    requests_.emplace(++last_number_, &request);
    return last_number_;
}

void House::dismiss(std::uint64_t number) {
    requests_.erase(number);
    const auto found = intakes_.find(number);
    if (found == intakes_.end()) return;
    const bool had_large_turn = found->second == large_;
    intakes_.erase(found);
    if (!had_large_turn) return;
    large_ = nullptr;
    pass_large_turn();
}

Intake* House::find_intake(std::uint64_t number) const {
    const auto found = intakes_.find(number);
    return found == intakes_.end() ? nullptr : found->second;
}

void House::report_malformed(links::Room sender) {
    log::error("peer-malformed", {{"room", links::room_name(sender)}});
    send_to_parent_(links::Malformed{sender});
}

void House::parent_left() {
    has_parent_ = false;
    for_each_listed(requests_, [](Request& request) { request.parent_left(); });
}

template <class Message>
void House::answer(Message&& message) {
    constexpr bool from_parent =
        std::is_same_v<Message, links::StatusReply> || std::is_same_v<Message, links::Done>;
    const auto found = requests_.find(message.request);
    if (found == requests_.end() || found->second->waits_for_parent() != from_parent) return;
    Request& request = *found->second;
    requests_.erase(found);
    request.on(std::forward<Message>(message));
}
template void House::answer(links::StatusReply&&);
template void House::answer(links::Done&&);

// --- qmgr ---------------------------------------------------------------------------------------

void House::attach_qmgr(UniqueFd channel) {
    if (qmgr_) on_end(ChannelEnd::closed);
    qmgr_.emplace(loop_, std::move(channel), *this);
    for_each_listed(intakes_, [](Intake& intake) { intake.advance(); });
}

// It starts anew with all files of drop/.
void House::on_end(ChannelEnd how) {
    qmgr_.reset();
    was_congested_ = false;
    for_each_listed(intakes_, [](Intake& intake) { intake.qmgr_left(); });
    for_each_listed(requests_, [](Request& request) { request.qmgr_left(); });
    drops_.clear();
    if (how == ChannelEnd::malformed) report_malformed(links::Room::qmgr);
}

bool House::congested() const {
    return qmgr_ && qmgr_->backlog() > backlog_limit;
}

void House::send_to_qmgr(links::ControlToQmgr message) {
    if (!qmgr_) return;
    qmgr_->send(std::move(message));
    was_congested_ = was_congested_ || congested();
}

void House::on_drained() {
    if (!std::exchange(was_congested_, false)) return;
    for_each_listed(intakes_, [](Intake& intake) { intake.advance(); });
}

void House::on(links::Credit&& message) {
    if (Intake* intake = find_intake(message.transaction)) intake->credit(message.bytes);
}

void House::on(links::Committed&& message) {
    if (Intake* intake = find_intake(message.transaction)) intake->committed();
}

void House::on(links::Rejected&& message) {
    if (Intake* intake = find_intake(message.transaction)) intake->rejected(message.refusal);
}

void House::on(links::DropBegin&& message) {
    auto& place = drops_[message.drop];
    place = std::make_unique<DropFile>(*this, std::move(message));
}

void House::drop_is_over() {
    loop_.after_turn(
        [this] { std::erase_if(drops_, [](const auto& entry) { return entry.second->over(); }); });
}

// --- users --------------------------------------------------------------------------------------

void House::attach_users(UniqueFd channel) {
    users_.emplace(loop_, std::move(channel), users_end_);
    ask_users();
}

void House::users_left(ChannelEnd how) {
    users_.reset();
    if (how == ChannelEnd::malformed) report_malformed(links::Room::users);
}

void House::ask_users() {
    if (!users_) return;
    for (const auto& [number, intake] : intakes_) {
        if (intake->wants_user()) users_->send(links::UidQuery{number, intake->uid()});
    }
}

// A failure of the user database is not an answer.
void House::on_user(links::UserReply&& reply) {
    Intake* intake = find_intake(reply.request);
    if (intake == nullptr) return;
    if (reply.lookup != links::Lookup::failed) return intake->user_is(std::move(reply));
    log::warning("user-lookup-failed", {{"uid", intake->uid()}});
    if (!ask_again_.pending()) ask_again_.set(pause_after_failure);
}

// --- the turn of the large ----------------------------------------------------------------------

// Users who come back and back, each after the other, get behind one who waits: he has had none,
// or his last was longer ago. Among equals the oldest is first.
void House::pass_large_turn() {
    if (large_ != nullptr && large_->needs_large_turn()) return;
    large_ = nullptr;
    std::uint64_t longest_ago = 0;
    for (const auto& [number, intake] : intakes_) {
        if (!intake->waits_for_large_turn()) continue;
        const auto had = last_turn_.find(intake->uid());
        const std::uint64_t last = had == last_turn_.end() ? 0 : had->second;
        if (large_ != nullptr && last >= longest_ago) continue;
        large_ = intake;
        longest_ago = last;
    }
    if (large_ == nullptr) return last_turn_.clear();
    last_turn_[large_->uid()] = ++large_turns_;
    large_->have_large_turn();
}

}  // namespace holdfast::control
