// What qmgr checks again although smtpin or control has checked it: those rooms talk to strangers
// and may have been taken over. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "smtpd/base/clock.h"
#include "smtpd/links/transfer.h"
#include "smtpd/loop/channel.h"
#include "smtpd/qmgr/router.h"

namespace holdfast::qmgr {

// On whose behalf a message is handed in.
enum class Submitter : std::uint8_t {
    stranger,  // a session of smtpin: local recipients only
    user,      // a client of the control socket
    dropper,   // a file of drop/: it was acknowledged, so it is bounced rather than refused
};

// A flaw that an honest room cannot have caused: the channel is to be closed.
struct Breach {
    std::string what;
};
std::optional<Breach> breach_of(ChannelEnd how);

// The envelope of a Begin, whose recipients are still to come.
std::optional<Breach> breach_in(const Envelope& envelope, Submitter submitter);

// Whether an id may be used by a local submission now: one that is older than seen/ remembers, or
// from the future, could be delivered twice.
bool id_in_window(const MessageId& id, WallTime now);

// From when the age of a message counts: what lay in drop/ was submitted when its id says, within
// bounds, for its owner may have made that up.
WallTime admission_time(const MessageId& id, Submitter submitter, WallTime now);

// A recipient on its way into a message of `sender`. One that no route leads to: of a stranger, who
// was told so at RCPT, a breach, of a user a refusal.
struct RecipientCheck {
    std::optional<Breach> breach;
    std::optional<links::Refusal> refusal;
};
RecipientCheck check_recipient(const Recipient& recipient, std::string_view sender,
                               const Router& router, Submitter submitter);

// The parameters alone: of a recipient that is going to be refused anyhow.
std::optional<Breach> breach_in_parameters(const Recipient& recipient);

// What RCPT is answered for a recipient whose route is known.
links::Refusal answer_for(const Route& route);

// "relaying denied"
links::Refusal relaying_denied(std::string_view recipient);

}  // namespace holdfast::qmgr
