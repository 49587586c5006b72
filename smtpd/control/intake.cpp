#include "smtpd/control/intake.h"

#include <utility>

#include "smtpd/base/log.h"
#include "smtpd/control/house.h"

namespace holdfast::control {

Intake::Intake(House& house, std::uint32_t uid, std::uint64_t drop, Events events)
    : house_(house), uid_(uid), drop_(drop), events_(std::move(events)) {}

Intake::~Intake() {
    clear();
}

void Intake::on(links::Submit&& message) {
    if (busy()) return end({Fate::violated, {0, "a submission inside another"}});
    number_ = house_.enlist(*this);
    submission_.emplace(house_.snapshot(), Submitter{uid_, number_, drop_}, std::move(message));
    go_on(submission_->begin());
}

template <class Message>
void Intake::carry(Message&& message) {
    if (!busy()) return end({Fate::violated, {0, "a part of no submission"}});
    go_on(submission_->on(std::forward<Message>(message)));
}
template void Intake::carry(links::SubmitRecipients&&);
template void Intake::carry(links::SubmitBytes&&);
template void Intake::carry(links::SubmitEnd&&);

void Intake::user_is(links::UserReply&& user) {
    submission_->user_is(std::move(user));
    advance();
}

void Intake::credit(std::uint32_t bytes) {
    submission_->credit(bytes);
    advance();
}

// What qmgr has not seen yet can wait for the next one.
void Intake::qmgr_left() {
    if (submission_->begun()) end({Fate::lost, {}});
}

void Intake::have_large_turn() {
    submission_->grant_large_turn();
    advance();
}

void Intake::go_on(const MaybeOutcome& outcome) {
    if (outcome) return end(*outcome);
    if (submission_->over()) clear();
    advance();
}

void Intake::advance() {
    if (submission_ && submission_->ready_to_start() && house_.has_qmgr() &&
        (!submission_->is_large() || holds_large_turn())) {
        if (const auto refused = submission_->start(house_.loop().clock().wall())) {
            return end(*refused);
        }
    }
    if (submission_ && house_.has_qmgr()) {
        for (auto& part : submission_->take()) {
            std::visit([this](auto& message) { house_.send_to_qmgr(std::move(message)); }, part);
        }
    }
    house_.pass_large_turn();
    events_.moved();
}

// The owner is told when all else is in order: he may end this intake in return.
void Intake::end(const Outcome& outcome) {
    if (outcome.fate == Fate::violated || outcome.fate == Fate::lost) {
        clear();
    } else {
        if (outcome.answer.status != 0) {
            log::info_limited("submission-refused", {{"msg", submission_->id()},
                                                     {"uid", uid_},
                                                     {"status", outcome.answer.status},
                                                     {"reason", outcome.answer.text}});
        }
        // qmgr has its verdict, or never heard of it: the number means nothing any more.
        house_.dismiss(number_);
        if (submission_->over()) clear();
    }
    events_.ended(outcome);
}

bool Intake::wants_input() const {
    return !submission_ || (submission_->wants_input() && !house_.congested());
}

bool Intake::holds_large_turn() const {
    return house_.has_large_turn(*this);
}

void Intake::clear() {
    if (!submission_) return;
    if (const auto abort = submission_->give_up()) house_.send_to_qmgr(*abort);
    submission_.reset();
    house_.dismiss(number_);
}

}  // namespace holdfast::control
