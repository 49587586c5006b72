// Carries submissions, one after the other, from one client or drop file to qmgr: runs the pure
// Submission, and waits for whatever it needs of the house.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "smtpd/control/submission.h"

namespace holdfast::control {

class House;

class Intake {
  public:
    struct Events {
        // The last word on a submission. May end this intake, but not before it has returned.
        std::function<void(const Outcome&)> ended;
        // wants_input() may have changed.
        std::function<void()> moved;
    };

    // `uid` as the kernel says; `drop` as in Submitter.
    Intake(House& house, std::uint32_t uid, std::uint64_t drop, Events events);
    // Takes back what has not been handed over.
    ~Intake();
    Intake(const Intake&) = delete;
    Intake& operator=(const Intake&) = delete;

    void on(links::Submit&& message);
    void on(links::SubmitRecipients&& message) { carry(std::move(message)); }
    void on(links::SubmitBytes&& message) { carry(std::move(message)); }
    void on(links::SubmitEnd&&) { carry(links::SubmitEnd()); }

    // False: bring no more until moved().
    bool wants_input() const;
    // A submission has begun and is not over.
    bool busy() const { return submission_.has_value(); }
    bool handed_over() const { return submission_ && submission_->handed_over(); }
    bool holds_large_turn() const;

    // From the house.
    std::uint32_t uid() const { return uid_; }
    bool wants_user() const { return submission_ && submission_->wants_user(); }
    bool waits_for_large_turn() const { return submission_ && submission_->is_large(); }
    bool needs_large_turn() const { return submission_ && submission_->held() > Submission::small; }
    void have_large_turn();
    void user_is(links::UserReply&& user);
    void credit(std::uint32_t bytes);
    void committed() { end(submission_->committed()); }
    void rejected(const links::Refusal& refusal) { end(submission_->rejected(refusal)); }
    void qmgr_left();
    // Goes on as far as it can.
    void advance();

  private:
    template <class Message>
    void carry(Message&& message);
    void go_on(const MaybeOutcome& outcome);
    void end(const Outcome& outcome);
    void clear();

    House& house_;
    std::uint32_t uid_;
    std::uint64_t drop_;
    Events events_;
    std::uint64_t number_ = 0;
    std::optional<Submission> submission_;
};

}  // namespace holdfast::control
