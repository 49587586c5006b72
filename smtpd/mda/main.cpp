// mda: delivers one user's mail, as that user, into a mailbox file or a Maildir. Trusts the parent
// for the name and the configuration; looks the name up itself; runs nothing; never acts as root
// on a word from qmgr, which gives it messages and gets verdicts.
#include "smtpd/mda/agent.h"
#include "smtpd/mda/start.h"

int main() {
    using namespace holdfast;
    mda::Assignment assignment = mda::receive_assignment();
    mda::Mailbox mailbox = mda::settle(assignment);
    mda::report_ready(assignment);
    return mda::Agent(std::move(assignment.qmgr), std::move(mailbox)).run();
}
