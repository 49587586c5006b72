#include "smtpd/control/intake.h"

#include <utility>

#include "smtpd/base/log.h"

namespace holdfast::control {

Intake::Intake(House& house, std::uint32_t uid, std::uint64_t drop, Events events)
    : house_(house), uid_(uid), drop_(drop), events_(std::move(events)) {}

Intake::~Intake() {
    if (!submission_) return;
    for (Action& action : submission_->give_up()) {
        if (auto* abort = std::get_if<links::Abort>(&action)) house_.qmgr.send(*abort);
    }
    clear();
}

void Intake::on(links::Submit&& message) {
    if (busy()) return events_.violated("a submission inside another");
    transaction_ = house_.qmgr.enlist(transaction_events());
    submission_.emplace(house_.snapshot, Submitter{uid_, transaction_, drop_}, std::move(message));
    question_ = house_.users.ask(uid_, [this](links::UserReply user) {
        question_.reset();
        if (submission_) submission_->user_is(std::move(user));
        advance();
    });
    perform(submission_->begin());
}

template <class Message>
void Intake::carry(Message&& message) {
    if (!busy()) return events_.violated("a part of no submission");
    perform(submission_->on(std::forward<Message>(message)));
}

void Intake::on(links::SubmitRecipients&& message) {
    carry(std::move(message));
}
void Intake::on(links::SubmitBytes&& message) {
    carry(std::move(message));
}
void Intake::on(links::SubmitEnd&& message) {
    carry(std::move(message));
}

TransactionEvents Intake::transaction_events() {
    TransactionEvents events;
    events.credit = [this](std::uint32_t bytes) { perform(submission_->credit(bytes)); };
    events.committed = [this] { perform(submission_->committed(), Decider::qmgr); };
    events.rejected = [this](const links::Refusal& refusal) {
        perform(submission_->rejected(refusal), Decider::qmgr);
    };
    events.lost = [this] {
        // What qmgr has not seen yet can wait for the next one.
        if (!submission_->begun()) return;
        clear();
        events_.lost();
    };
    events.resumed = [this] { advance(); };
    return events;
}

// The last two kinds of action end things, and are told to the owner when all else is in order:
// he may end this intake in return.
void Intake::perform(Actions actions, Decider decider) {
    std::optional<links::Answer> answer;
    std::optional<Violation> violation;
    for (Action& action : actions) {
        if (auto* last_word = std::get_if<links::Answer>(&action)) {
            answer = std::move(*last_word);
        } else if (auto* broken = std::get_if<Violation>(&action)) {
            violation = std::move(*broken);
        } else {
            send(std::move(action));
        }
    }
    if (violation) {
        clear();
        return events_.violated(violation->what);
    }
    if (answer) note(*answer);
    if (submission_->over()) clear();
    if (answer) return events_.answered(decider, *answer);
    advance();
}

void Intake::send(Action&& action) {
    std::visit(
        [this]<class Message>(Message&& message) {
            using Plain = std::remove_cvref_t<Message>;
            if constexpr (!std::is_same_v<Plain, links::Answer> &&
                          !std::is_same_v<Plain, Violation>) {
                house_.qmgr.send(std::forward<Message>(message));
            }
        },
        std::move(action));
}

// qmgr has its verdict, or never heard of it: the number means nothing any more.
void Intake::note(const links::Answer& answer) {
    house_.qmgr.dismiss(transaction_);
    leave_large_turn();
    if (answer.status == 0) return;
    log::info("submission-refused", {{"msg", submission_->id()},
                                     {"uid", uid_},
                                     {"status", answer.status},
                                     {"reason", answer.text}});
}

void Intake::advance() {
    if (submission_) {
        if (submission_->is_large() && !place_) ask_for_turn();
        if (submission_->ready_to_start() && may_start()) {
            return perform(submission_->start(house_.loop.clock().wall()));
        }
        if (submission_->begun() && submission_->held() <= Submission::small) leave_large_turn();
    }
    events_.moved();
}

bool Intake::may_start() const {
    return house_.qmgr.present() && (!submission_->is_large() || has_large_turn_);
}

void Intake::ask_for_turn() {
    const auto granted = [this] {
        has_large_turn_ = true;
        submission_->grant_large_turn();
        if (place_) advance();
    };
    place_ = house_.large_turn.ask(uid_, granted);
}

void Intake::leave_large_turn() {
    has_large_turn_ = false;
    if (place_) house_.large_turn.leave(*std::exchange(place_, std::nullopt));
}

bool Intake::wants_input() const {
    if (!submission_) return true;
    return submission_->wants_input() && !house_.qmgr.congested();
}

void Intake::clear() {
    house_.qmgr.dismiss(transaction_);
    if (question_) house_.users.withdraw(*std::exchange(question_, std::nullopt));
    leave_large_turn();
    submission_.reset();
}

}  // namespace holdfast::control
