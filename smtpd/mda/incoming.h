// A message while its bytes come in: takes the form of its mailbox on the way, and moves to a file
// of the mailbox when it grows large. A mail loop ends here (F49): a message that names this user
// in a Delivered-To line near its top has been here before.
#pragma once

#include <optional>
#include <string_view>

#include "smtpd/mda/mailbox.h"
#include "smtpd/mda/mbox_format.h"

namespace holdfast::mda {

class Incoming {
  public:
    // `mailbox` outlives this.
    Incoming(const Mailbox& mailbox, const links::Deliver& order);

    // False where more comes than the order has announced.
    bool feed(std::string_view bytes);
    bool complete() const { return missing_ == 0; }

    // Why this message will not be stored: its bytes are dropped from then on. Nothing: it will.
    // To be asked once it is complete.
    const std::optional<Outcome>& refusal() const { return refusal_; }

    std::uint64_t job() const { return parcel_.order.job; }

    // The whole message, which must be complete and not refused.
    Parcel take() { return std::move(parcel_); }

    // Removes what it has left in the mailbox so far: the rest will not come.
    void discard();

  private:
    void keep(std::string_view bytes);
    void finish();
    void look_for_loop();
    Outcome not_written(const Error& why) const;
    void give_up(Outcome why);

    const Mailbox& mailbox_;
    Parcel parcel_;
    std::size_t head_;                  // bytes that we put in front
    std::optional<MboxQuoter> quoter_;  // for a mailbox file
    std::optional<Outcome> refusal_;
    std::uint64_t missing_;
};

// Whether the header at the start of `message` has a Delivered-To line of this value. Pure.
bool was_delivered_to(std::string_view message, std::string_view delivered_to);

}  // namespace holdfast::mda
