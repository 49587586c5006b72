// A message while its bytes come in: takes the form of its mailbox on the way, moves to a file of
// the mailbox when it grows large, and is watched for a mail loop.
#pragma once

#include <optional>
#include <string_view>

#include "smtpd/mda/loop_detector.h"
#include "smtpd/mda/mailbox.h"
#include "smtpd/mda/mbox_format.h"
#include "smtpd/mda/parcel.h"

namespace holdfast::mda {

class Incoming {
  public:
    // `mailbox` outlives this.
    Incoming(const Mailbox& mailbox, const links::Deliver& order);

    // False where more comes than the order has announced.
    bool feed(std::string_view bytes);
    bool complete() const { return missing_ == 0; }

    // Why this message will not be stored: its bytes are dropped from then on. Nothing: it will.
    const std::optional<Outcome>& refusal() const { return refusal_; }

    std::uint64_t job() const { return parcel_.order.job; }
    std::size_t memory() const { return parcel_.content.memory().size(); }

    // The whole message, which must be complete and not refused.
    Parcel take() { return std::move(parcel_); }

    // Removes what it has left in the mailbox so far: the rest will not come.
    void discard();

  private:
    void keep(std::string_view bytes);
    void give_up(Outcome why);

    const Mailbox& mailbox_;
    Parcel parcel_;
    LoopDetector loop_;
    std::optional<MboxQuoter> quoter_;  // for a mailbox file
    std::optional<Outcome> refusal_;
    std::uint64_t missing_;
};

}  // namespace holdfast::mda
