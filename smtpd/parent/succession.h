// How one smtpd takes the place of another in the same process: the state goes over in a sealed
// memfd on descriptor 3, and `smtpd --resume` makes a house of it.
#pragma once

#include <string>
#include <vector>

#include "smtpd/links/handover.h"
#include "smtpd/parent/candidate.h"
#include "smtpd/parent/resumption.h"
#include "smtpd/parent/state.h"

namespace holdfast {

// Of what state the successor's first candidate is made.
struct Premises {
    Outfit outfit;  // with the image that is being tried, and the next number
    std::string config;
    std::vector<BoundListener> listeners;
};
// Takes the state's listeners and successor; `log` is borrowed.
Premises take_premises(links::ParentState& state);

// How long a program may take from its start to its loop: one that hangs there is ended by SIGALRM,
// so that whoever watches over the service notices.
inline constexpr unsigned resume_seconds = 15;
// To be called when the loop begins.
void resumed();

// Executes `smtpd` in place of this program. Returns only where that fails, with everything as it
// was but for descriptor 3, which has been replaced.
Error become(const Executable& smtpd, const links::ParentState& state,
             const Resumption& resumption);

// As above for a state that makes no sense to this program, and lies on descriptor 3 yet: the old
// one gets it as it is.
Error fall_back(const Resumption& failed, const std::string& why);

// Whether this program knows what the state is about.
Status check_state(const links::ParentState& state);

}  // namespace holdfast
