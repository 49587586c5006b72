// The addresses of a message as other machines are to see them (`rewrite`). Only the addresses
// that the plan is about change, in their places; everything else goes out byte for byte.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "smtpd/links/snapshots.h"
#include "smtpd/relay/field_collector.h"
#include "smtpd/relay/line_cutter.h"

namespace holdfast::relay {

// The sender of the envelope. The null sender stays what it is; `from` wins over `masquerade`.
std::string rewrite_sender(const links::RewritePlan& plan, std::string_view sender);

// With `from`: From and Resent-From name that address alone, under the name that they gave; Sender
// and Resent-Sender go; of several From fields the first stays. A message without From gets none.
// With `masquerade`: addresses of this machine, its subdomains not included, get that domain in
// From, Sender, Reply-To, their Resent- forms, Return-Receipt-To and Disposition-Notification-To.
// A field over FieldCollector::max_field passes unchanged; no more of a message is held back.
class HeaderRewriter {
  public:
    // `plan` outlives it.
    explicit HeaderRewriter(const links::RewritePlan& plan);

    // What of the message can go on now. LF line ends.
    std::string feed(std::string_view text);
    std::string finish();

  private:
    std::string take(const LinePart& part);
    std::string rewritten(std::string field);

    const links::RewritePlan& plan_;
    LineCutter cutter_;
    FieldCollector fields_{HeaderOf::message};
    bool in_header_ = true;
    bool from_seen_ = false;
    bool dropped_ = false;  // a field
};

}  // namespace holdfast::relay
