// Carries submissions, one after the other, from one client or drop file to qmgr: runs the pure
// Submission, asks `users` who submits, queues for the turn of the large ones.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "smtpd/control/house.h"
#include "smtpd/control/submission.h"

namespace holdfast::control {

enum class Decider : std::uint8_t { control, qmgr };

class Intake {
  public:
    struct Events {
        // The last word on a submission.
        std::function<void(Decider, const links::Answer&)> answered;
        // Whoever submits broke the protocol.
        std::function<void(const std::string&)> violated;
        // qmgr has gone with it: nobody knows what became of it.
        std::function<void()> lost;
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
    void on(links::SubmitRecipients&& message);
    void on(links::SubmitBytes&& message);
    void on(links::SubmitEnd&& message);

    // False: bring no more until moved().
    bool wants_input() const;
    // A submission has begun and is not over.
    bool busy() const { return submission_.has_value(); }
    bool handed_over() const { return submission_ && submission_->handed_over(); }
    bool holds_large_turn() const { return has_large_turn_; }

  private:
    template <class Message>
    void carry(Message&& message);
    void perform(Actions actions, Decider decider = Decider::control);
    void send(Action&& action);
    void note(const links::Answer& answer);
    void advance();
    bool may_start() const;
    void ask_for_turn();
    void clear();
    void leave_large_turn();
    TransactionEvents transaction_events();

    House& house_;
    std::uint32_t uid_;
    std::uint64_t drop_;
    Events events_;
    std::optional<Submission> submission_;
    std::uint64_t transaction_ = 0;
    std::optional<std::uint64_t> question_;  // to users
    std::optional<LargeTurn::Place> place_;
    bool has_large_turn_ = false;
};

}  // namespace holdfast::control
